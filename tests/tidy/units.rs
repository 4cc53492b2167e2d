//! The units of systemd say nothing that systemd does not understand.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use super::root;

const UNITS: &str = "conf/systemd";
/// What our units and the manager's own defaults name.
const AROUND: [&str; 5] = [
    "basic.target",
    "multi-user.target",
    "network-online.target",
    "shutdown.target",
    "sysinit.target",
];

/// What systemd says of a unit on a machine that has nothing but what the unit names.
fn said(unit: &str, text: &str) -> (Option<i32>, String) {
    let machine = tempfile::tempdir().unwrap();
    let (binaries, units) =
        (machine.path().join("usr/bin"), machine.path().join("etc/systemd/system"));
    fs::create_dir_all(&binaries).unwrap();
    fs::create_dir_all(&units).unwrap();
    // That it is there and may be run is all that is asked of it.
    let weir = binaries.join("weir");
    fs::write(&weir, "").unwrap();
    fs::set_permissions(&weir, Permissions::from_mode(0o755)).unwrap();
    for name in AROUND {
        fs::write(units.join(name), format!("[Unit]\nDescription={name}\n")).unwrap();
    }
    fs::write(units.join(unit), text).unwrap();
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=yes"])
        .arg(format!("--root={}", machine.path().display()))
        .arg(unit)
        .output();
    let output =
        output.expect("systemd-analyze is missing: install it with: apt-get install systemd");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn units() -> Vec<(String, String)> {
    let entries = fs::read_dir(root().join(UNITS)).unwrap().map(|it| it.unwrap().path());
    let name = |it: &Path| it.file_name().unwrap().to_str().unwrap().to_owned();
    entries.map(|it| (name(&it), fs::read_to_string(&it).unwrap())).collect()
}

#[test]
fn systemd_understands_the_units() {
    let units = units();
    assert_eq!(units.len(), 2);
    for (name, text) in units {
        assert_eq!(said(&name, &text), (Some(0), String::new()), "{name}");
    }
}

#[test]
fn a_mistake_in_a_unit_is_found() {
    let (name, text) = units().remove(0);
    for (right, wrong) in [
        ("Restart=always", "Restart=sometimes"),
        ("KillMode=", "KilMode="),
        ("/usr/bin/weir ", "/usr/bin/wier "),
        ("Type=exec", "Type=exe"),
    ] {
        assert!(text.contains(right), "{name} has {right}");
        let (code, said) = said(&name, &text.replace(right, wrong));
        assert!(code != Some(0) || !said.is_empty(), "{wrong} is found");
    }
}
