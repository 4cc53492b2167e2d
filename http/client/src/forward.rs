//! Passing a question or a command on to another server, answer unread.

use reqwest::header::{CONTENT_TYPE, HeaderName};
use reqwest::{RequestBuilder, Url};

use crate::{Client, Error};

/// The other server's answer as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarded {
    pub status: u16,
    pub content_type: Option<String>,
    pub body: Vec<u8>,
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

impl Client {
    /// Reads `path_and_query` (which begins with a slash) of this server. Any status is an answer;
    /// only the lack of one is an error. The request keeps its id, so that both logs name it.
    /// A path that would lead elsewhere once its dots are resolved is refused.
    pub async fn forward(
        &self,
        path_and_query: &str,
        request_id: Option<&str>,
    ) -> Result<Forwarded, Error> {
        let url = self.below(path_and_query)?;
        self.forwarded(self.http.get(url), request_id).await
    }

    /// As [`Client::forward`], a command with its body.
    pub async fn forward_command(
        &self,
        path_and_query: &str,
        request_id: Option<&str>,
        content_type: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Forwarded, Error> {
        let url = self.below(path_and_query)?;
        let mut request = self.http.post(url).body(body);
        if let Some(content_type) = content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        self.forwarded(request, request_id).await
    }

    async fn forwarded(
        &self,
        mut request: RequestBuilder,
        request_id: Option<&str>,
    ) -> Result<Forwarded, Error> {
        if let Some(id) = request_id {
            request = request.header(REQUEST_ID, id);
        }
        let response = self.sent(request).await?;
        let content_type = response.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|it| it.to_str().ok()).map(str::to_owned);
        let status = response.status().as_u16();
        Ok(Forwarded { status, content_type, body: self.body(response).await? })
    }

    fn below(&self, path_and_query: &str) -> Result<Url, Error> {
        let given = format!("{}{path_and_query}", self.base());
        match Url::parse(&given) {
            Ok(url) if url.as_str() == given => Ok(url),
            _ => Err(Error::Address { given, reason: "its path is not in normal form".into() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forwarded_path_stays_below_the_server() {
        let client = Client::new("http://h:1").expect("an address");
        assert!(client.below("/api/v1/streams?limit=5&state=open").is_ok());
        assert!(client.below("/api/v1/workflows/a%20b").is_ok());
        for bad in ["/api/v1/nodes/../x", "/api/v1/nodes/%2e%2e/x", "/api/v1/nodes/./x", "\\x"] {
            assert!(client.below(bad).is_err(), "{bad}");
        }
    }
}
