//! What the command line refuses by itself: the same fault exits alike and has its code, whichever
//! command met it, and is JSON where that is asked for.

use serde_json::Value;

use crate::support::{Ran, binary};

#[track_caller]
fn refused(code: i32, weir_code: &str, arguments: &str) -> Value {
    refused_with(code, weir_code, arguments, [])
}

#[track_caller]
fn refused_with<const N: usize>(
    code: i32,
    weir_code: &str,
    arguments: &str,
    variables: [(&str, &str); N],
) -> Value {
    let words = arguments.split(' ').chain(["-o", "json"]);
    let ran = Ran::of(binary().envs(variables).args(words)).ended(code);
    let problem: Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!(problem["code"], weir_code, "{arguments}: {problem:#}");
    assert!(problem["hint"].is_string(), "what to do: {problem:#}");
    assert_eq!(ran.stdout, "");
    problem
}

#[test]
fn a_wrong_command_line_is_a_problem_of_the_same_shape() {
    let near = refused(2, "WEIR-07310", "stream list --stat open");
    assert_eq!(near["hint"], "did you mean '--state'?");
    refused(2, "WEIR-07310", "worfklow list");
    refused(2, "WEIR-07310", "cluster move access-coordinator");
    let late = refused(2, "WEIR-07310", "stream sniff orders read --for 30s");
    assert!(late["detail"].as_str().unwrap().contains("--for"), "{late}");
}

#[test]
fn a_file_that_is_not_there_is_not_found_whichever_command_names_it() {
    for arguments in [
        "audit verify --file no/such",
        "certs add a --file no/such",
        "deployment apply no/such",
        "deployment inspect no/such",
        "deployment upload no/such",
        "key import a --file no/such",
        "login ada --password-file no/such",
        "scheduler apply no/such",
        "scheduler preview no/such",
        "cluster leave node-1 --token-file no/such",
    ] {
        refused(3, "WEIR-07312", arguments);
    }
}

#[test]
fn what_is_refused_says_what_to_do_about_it() {
    let root = tempfile::TempDir::new().unwrap();
    let dir = root.path();
    // What `weir dev` keeps.
    std::fs::write(dir.join("weir.db"), "").unwrap();
    std::fs::create_dir(dir.join("empty")).unwrap();
    let plain = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = plain.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in plain.incoming() {
            let _ = std::io::Write::write_all(
                &mut stream.unwrap(),
                b"HTTP/1.1 400 Bad Request\r\n\r\n",
            );
        }
    });
    let dir = dir.display();
    for (arguments, code, part) in [
        ("config-server restore nope".to_owned(), "WEIR-00186", "weir config-server backup DIR"),
        (
            format!("config-server backup {dir}/copy -D weir.data-dir={dir}"),
            "WEIR-00185",
            "stop `weir dev` and copy its whole data directory",
        ),
        (
            "user create _x --role admin".to_owned(),
            "WEIR-07310",
            "begin it with a letter or a digit",
        ),
        (format!("workflow list --server https://{address}"), "WEIR-07206", "write http://"),
        (format!("deploy {dir}/empty"), "WEIR-02201", "add a project.yaml"),
        (format!("build {dir}/empty"), "WEIR-02201", "add a project.yaml"),
    ] {
        let words = arguments.split(' ').chain(["-o", "json"]);
        let ran = Ran::of(binary().args(words));
        let start = ran.stderr.find('{').unwrap_or_else(|| panic!("{arguments}: {}", ran.stderr));
        let problem: Value = serde_json::from_str(&ran.stderr[start..]).unwrap();
        assert_eq!(problem["code"], code, "{arguments}: {problem:#}");
        assert!(problem.to_string().contains(part), "{arguments}: {problem:#}");
    }
}

#[test]
fn an_address_a_profile_or_a_token_that_can_not_be_meant_is_refused_before_anything_is_sent() {
    refused(2, "WEIR-07203", "workflow list --server ftp://node-1");
    refused(2, "WEIR-07203", "profile set p --url nonsense");
    refused(3, "WEIR-07311", "profile use nobody");
    refused(3, "WEIR-07311", "workflow list --profile nobody");
    let token = [("WEIR_TOKEN", "weir_planted\nx")];
    let told = refused_with(2, "WEIR-07310", "workflow list", token);
    assert!(told["title"].as_str().unwrap().contains("WEIR_TOKEN"), "{told}");
    assert!(!told.to_string().contains("planted"), "{told}");
}

#[test]
fn a_server_that_is_not_there_is_told_from_one_that_is() {
    let away = refused(8, "WEIR-07201", "workflow list --server http://127.0.0.1:1");
    assert!(away["detail"].as_str().unwrap().starts_with("no server answers"), "{away}");
}

#[test]
fn nothing_is_not_sealed() {
    let key = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    refused(2, "WEIR-07310", &format!("secret encrypt --key {key}"));
}

#[test]
fn a_project_directory_that_is_not_there_is_not_found() {
    for line in ["project validate no/such/project", "build no/such/project"] {
        let told = refused(3, "WEIR-07312", line);
        assert!(told["title"].as_str().unwrap().contains("no/such/project"), "{told}");
    }
}

#[test]
fn a_help_has_no_colours_where_none_are_wanted() {
    let help = |arguments: &[&str]| {
        let mut command = binary();
        command.env_remove("NO_COLOR").env("TERM", "xterm").env("CLICOLOR_FORCE", "1");
        let ran = Ran::of(command.args(arguments));
        ran.stdout + &ran.stderr
    };
    assert!(help(&["--help"]).contains('\u{1b}'), "it has them where they are forced");
    for arguments in [&["--no-color", "--help"][..], &["stream", "--help", "--no-color"]] {
        let help = help(arguments);
        assert!(help.contains("Usage:") && !help.contains('\u{1b}'), "{arguments:?}: {help}");
    }
}
