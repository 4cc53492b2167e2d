//! A password that is named, and put in where it is used alone.

use std::fs;
use std::path::Path;

use weir_secrets::{Binding, PrivateKey, SealedSecret, Secret, write_private};
use weir_test_servers::{Kafka, Sent};

use super::{ORDERS, order};
use crate::support::flow::CSV;
use crate::support::{DEADLINE, Flow, Project, Ran, Start, binary, files, wait_until};

/// A project in `vault` with a secret, sealed to this key.
fn vault(root: &Path, flow: &Flow, key: &PrivateKey) {
    let binding = Binding { project: "vault".parse().unwrap(), name: "KAFKA".parse().unwrap() };
    let value = Secret::from(Kafka::PASSWORD.to_owned());
    let sealed = SealedSecret::seal(&value, binding, &[key.public()]).unwrap().to_string();
    let dir = root.join("vault");
    fs::create_dir_all(&dir).unwrap();
    let asset = |kind: &str, name: &str, spec: &str| {
        format!("apiVersion: weir/v1\nkind: {kind}\nmetadata: {{ name: {name} }}\nspec: {spec}\n")
    };
    let write = |name: &str, text: &str| fs::write(dir.join(name), text).unwrap();
    write("project.yaml", &asset("Project", "vault", "{ secrets: [site] }"));
    write(
        "secrets.yaml",
        &asset("Secret", "site", &format!("{{ values: {{ KAFKA: {sealed} }} }}")),
    );
    write("workflow.yaml", &flow.yaml());
}

#[test]
fn a_password_is_named_and_stands_nowhere_that_is_kept() {
    let broker = Kafka::shared();
    broker.topic("vault-in", 1, &[]);
    broker.topic("vault-out", 1, &[]);
    let connection = format!(
        "connection: {{ brokers: [\"{}\"], sasl: {{ mechanism: scramSha256, user: {}, \
         password: \"${{sec:KAFKA}}\" }} }}",
        broker.sasl(),
        Kafka::USER
    );
    let source = format!(
        "{{ name: read, source: {{ kafka: {{ {connection}, topics: [vault-in], format: {ORDERS} }} }} }}"
    );
    let sink = format!(
        "{{ name: send, from: read, sink: {{ kafka: {{ {connection}, topic: vault-out, \
         format: {{ type: json }} }} }} }}"
    );
    let flow = Flow::named("vault").stage(&source).stage(&sink);
    let project = Project::of(&Flow::straight(CSV));
    let key = PrivateKey::generate();
    vault(project.root(), &flow, &key);
    let file = project.root().join("team.key");
    write_private(&file, &key.to_text()).unwrap();
    let weir = Start::of(&project).set("weir.stream.checkpoint-interval=100ms").ready();
    let done = |arguments: &[&str]| {
        let mut command = binary();
        command.args(["--server", weir.rest()]).current_dir(project.root());
        Ran::of(command.args(arguments)).ended(0).stdout
    };
    let setting = format!("weir.data-dir={}", project.data_dir().display());
    done(&["build", "vault", "--tag", "v1", "--file", "v1.weir", "-D", &setting]);
    done(&["key", "import", "Team", "--file", file.to_str().unwrap()]);
    done(&["deployment", "upload", "v1.weir"]);
    done(&["deployment", "activate", "v1"]);
    let bodies: Vec<_> = (0..50).map(order).collect();
    broker.send("vault-in", bodies.iter().map(|it| Sent::body(it)));
    wait_until("all to be sent", DEADLINE, || broker.messages("vault-out", true).len() >= 50);
    let log = weir.stop();
    assert!(!log.contains(Kafka::PASSWORD), "{log}");
    for name in files::below(project.root()) {
        let bytes = files::bytes(&project.root().join(&name));
        let shows = bytes.windows(Kafka::PASSWORD.len()).any(|it| it == Kafka::PASSWORD.as_bytes());
        assert!(!shows, "{name} shows the password");
    }
}
