//! The script over REST alone.

use axum::http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};

use super::site::Site;
use super::{Deploy, Hand};
use crate::support::{DEADLINE, ask_with, wait_for};

#[derive(Default)]
pub(super) struct ByApi {
    server: String,
    session: String,
}

impl ByApi {
    fn ask(&self, method: Method, path: &str, headers: HeaderMap, body: &Value) -> (u16, Value) {
        let asked = ask_with(&self.server, (method, path), &self.session, headers, body);
        asked.unwrap_or_else(|| panic!("{path} is not answered"))
    }

    #[track_caller]
    fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask(Method::GET, path, HeaderMap::new(), &Value::Null);
        assert_eq!(status, 200, "{path}: {answer:#}");
        answer
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.ask(Method::POST, path, HeaderMap::new(), body);
        assert!(matches!(status, 200 | 202), "{path}: {status} {answer:#}");
        answer
    }

    /// The operation that a request begins, as it ended.
    #[track_caller]
    pub(super) fn operation(&self, path: &str, body: &Value) -> Value {
        let begun = self.post(path, body);
        let path = format!("operations/{}", begun["id"].as_str().unwrap());
        wait_for("the operation to end", DEADLINE, || {
            Some(self.get(&path)).filter(|it| it["state"] != "running")
        })
    }

    #[track_caller]
    fn result(&self, path: &str, body: &Value) -> Value {
        let ended = self.operation(path, body);
        assert_eq!(ended["state"], "succeeded", "{ended:#}");
        ended["result"].clone()
    }
}

/// What was seen of something; nothing: it is new.
fn seen(etag: Option<&Value>) -> HeaderMap {
    let (name, value): (HeaderName, _) = match etag.and_then(Value::as_str) {
        Some(etag) => (IF_MATCH, format!("\"{etag}\"")),
        None => (IF_NONE_MATCH, "*".to_owned()),
    };
    HeaderMap::from_iter([(name, HeaderValue::try_from(value).unwrap())])
}

impl Hand for ByApi {
    fn begin(&mut self, site: &Site) {
        self.server = site.design.url.clone();
        self.session = site.design.set_up();
    }

    fn create(&self, project: &str) {
        self.post("projects", &json!({ "name": project }));
    }

    fn write(&self, project: &str, path: &str, text: &str) {
        let assets = format!("projects/{project}/assets");
        let known = self.get(&assets);
        let known = known["items"].as_array().unwrap().iter().find(|it| it["path"] == path);
        let place = format!("{assets}/{}", path.replace('/', "%2F"));
        let headers = seen(known.map(|it| &it["etag"]));
        let (status, answer) = self.ask(Method::PUT, &place, headers, &json!({ "text": text }));
        assert_eq!(status, 200, "{path}: {answer:#}");
    }

    fn init(&self, project: &str) {
        self.post(&format!("projects/{project}/versions:init"), &json!({}));
    }

    fn commit(&self, project: &str, message: &str) -> String {
        let status = self.get(&format!("projects/{project}/status"));
        let (path, body) = (format!("projects/{project}/versions"), json!({ "message": message }));
        let (status, answer) = self.ask(Method::POST, &path, seen(status.get("head")), &body);
        assert_eq!(status, 200, "{answer:#}");
        let history = self.get(&path);
        history["items"][0]["id"].as_str().unwrap().to_owned()
    }

    fn errors(&self, project: &str) -> Vec<Value> {
        let found = self.post(&format!("projects/{project}:validate"), &Value::Null);
        found["findings"].as_array().unwrap().clone()
    }

    fn build_refused(&self, project: &str) -> String {
        let ended = self.operation(&format!("projects/{project}/builds"), &json!({}));
        assert_eq!(ended["state"], "failed", "{ended:#}");
        ended["problem"].to_string()
    }

    fn build(&self, project: &str, version: &str, site: &Site) -> Value {
        let body = json!({ "version": version, "baseDir": site.base_dir("test"),
                           "tag": "${build:project}-${build:commit}" });
        self.result(&format!("projects/{project}/builds"), &body)
    }

    fn issuer(&self) -> Value {
        self.get("clusters:issuer")
    }

    fn add(&self, cluster: &str, url: &str) {
        self.post("clusters", &json!({ "name": cluster, "urls": [url] }));
    }

    fn deploy(&self, project: &str, wanted: Deploy<'_>, site: &Site) -> Value {
        let Deploy { cluster, tag, place, version, base, is_plan } = wanted;
        let mut build = json!({ "tag": tag, "environments": [place],
                                "baseDir": site.base_dir(place), "sealTo": [{}] });
        let mut body = json!({ "cluster": cluster, "activate": !is_plan, "dryRun": is_plan,
                               "wait": "90s" });
        if let Some(version) = version {
            build["version"] = version.into();
        }
        if let Some(base) = base {
            body["base"] = base.into();
        }
        body["build"] = build;
        self.result(&format!("projects/{project}/deploys"), &body)
    }

    fn version_diff(&self, project: &str, from: &str, to: &str) -> Value {
        self.get(&format!("projects/{project}/versions:diff?from={from}&to={to}"))
    }

    fn deployment_diff(&self, cluster: &str, from: &str, to: &str) -> Value {
        self.get(&format!("clusters/{cluster}/deployments:diff?from={from}&to={to}"))
    }

    fn activations(&self, cluster: &str) -> Vec<Value> {
        let path = format!("clusters/{cluster}/activations");
        let (_, page) = self.ask(Method::GET, &path, HeaderMap::new(), &Value::Null);
        page["items"].as_array().cloned().unwrap_or_default()
    }

    fn roll_back(&self, cluster: &str) {
        self.post(&format!("clusters/{cluster}/deployments:rollback"), &json!({}));
    }
}
