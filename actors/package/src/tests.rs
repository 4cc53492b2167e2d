//! What must hold of packages as files and as values.

mod content;
mod damage;
mod differences;
mod partial;
mod refusals;

use serde_json::json;
use weir_domain::plan::{Edge, OnError, Plan, Retry, Role, Stage};
use weir_domain::{
    AssetName, DeploymentTag, NodeName, Place, PortName, ProjectName, StageId, Timestamp,
    WorkflowName,
};

use super::*;

fn asset_name(text: &str) -> AssetName {
    AssetName::new(text).unwrap()
}

fn asset_id(kind: &str, name: &str) -> AssetId {
    AssetId { kind: asset_name(kind), name: asset_name(name) }
}

fn stage(id: &str, role: Role, line: u32) -> Stage {
    Stage {
        id: StageId::new(id).unwrap(),
        role,
        kind: "file".into(),
        config: json!({"directory": id, "pattern": "*.csv"}),
        on_error: OnError::default(),
        error_limit: None,
        place: Place::new("workflows/w.yaml", line, 3),
    }
}

/// `line`: where the plan stands in its file, which means nothing.
fn plan(workflow: &str, line: u32) -> Plan {
    let edge = Edge {
        from: StageId::new("in").unwrap(),
        port: PortName::out(),
        to: StageId::new("out").unwrap(),
        place: Place::new("workflows/w.yaml", line + 5, 3),
    };
    Plan {
        workflow: WorkflowName::new(workflow).unwrap(),
        instances: 1,
        stages: vec![stage("in", Role::Source, line), stage("out", Role::Sink, line + 1)],
        edges: vec![edge],
        retry: Retry::default(),
        dead_letters: None,
        error_limit: None,
    }
}

/// A project with one of everything.
fn parts() -> Parts {
    let workflow = |name: &str, line| Workflow {
        plan: plan(name, line),
        assets: vec![asset_id("Workflow", name), asset_id("Source", "files")],
        scripts: vec!["scripts/price.js".into()],
        secrets: vec![asset_name("password")],
    };
    let asset = |kind: &str, name: &str| Asset {
        id: asset_id(kind, name),
        fields: json!({"spec": {"directory": "${dir}", "kind": kind, "name": name}}),
    };
    let environment = |name: &str, dir: &str| Environment {
        name: asset_name(name),
        values: [("dir".to_owned(), json!(dir)), ("limit".to_owned(), json!(5))].into(),
    };
    Parts {
        project: ProjectName::new("flights").unwrap(),
        base_dir: "/srv/flights".into(),
        workflows: vec![workflow("flights", 7), workflow("airports", 9)],
        assets: vec![
            asset("Workflow", "flights"),
            asset("Workflow", "airports"),
            asset("Source", "files"),
        ],
        scripts: vec![Script {
            path: "scripts/price.js".into(),
            text: "let a = 1;\nlet b = 2;\n".into(),
        }],
        environments: vec![environment("base", "in"), environment("production", "/data/in")],
        secrets: vec![Secret {
            name: asset_name("password"),
            ciphertext: bytes::Bytes::from_static(b"\x00sealed\xff"),
        }],
        scheduler: Some(json!({"workflows": {"flights": {"target": 2}}})),
        assignments: Some(AssignmentSettings {
            default: None,
            roles: vec![RoleRule { role: "engine".into(), tag: tag("flights-1") }],
            nodes: [(NodeName::new("node-1").unwrap(), tag("flights-1"))].into(),
        }),
    }
}

fn tag(text: &str) -> DeploymentTag {
    DeploymentTag::new(text).unwrap()
}

fn details() -> Details {
    Details {
        tag: tag("flights-1"),
        description: "first".into(),
        author: "ada".into(),
        commit: Some("4f2a".into()),
        built_at: Timestamp(1_700_000_000_000),
    }
}

fn build(parts: Parts) -> Package {
    Package::build(parts, details(), &Limits::default()).unwrap()
}

fn signer() -> Signer {
    Signer::from_seed(&[7; 32])
}

fn file(package: &Package) -> Vec<u8> {
    let mut file = Vec::new();
    package.write(&mut file, &signer()).unwrap();
    file
}

fn read(file: &[u8]) -> Result<Package> {
    Package::read(file, &Trust::Only([signer().key()].into()), &Limits::default())
}
