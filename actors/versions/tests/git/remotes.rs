//! Remotes: over HTTP and TLS with credentials, hanging, refusing, and cancelled.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use weir_conf::Secret;
use weir_domain::{Bytes, Timestamp};
use weir_versions::{
    Access, Cancel, Conflict, Credentials, Limits, Merged, Pull, Reach, Repository, Trust,
};

use crate::support::{Project, WORKFLOW, ada, git, refused};
use weir_test_servers::{GitBehaviour, GitServer, git_repository};

fn known() -> Access {
    let credentials = Credentials::Password {
        user: GitServer::USER.to_owned(),
        password: Secret::new(GitServer::PASSWORD),
    };
    Access { credentials, ..Access::anonymous() }
}

fn files() -> Access {
    Access { reach: Reach::NetworkAndFiles, ..Access::anonymous() }
}

/// Ends soon where nothing happens.
fn impatient() -> Access {
    let limits = Limits { silence: Duration::from_millis(200), ..Limits::default() };
    Access { limits, ..known() }
}

fn pull(branch: &str) -> Pull {
    Pull { remote: "origin".to_owned(), branch: branch.to_owned(), author: ada(), at: Timestamp(0) }
}

/// A project, a remote that has its first version, and a second project that was cloned from there.
fn shared(server: &GitServer, project: &Project) -> Repository {
    let url = server.url("shared.git");
    let repository = project.open();
    repository.remote_add("origin", &url).unwrap();
    repository.push("origin", "main", &known(), &mut |_| {}).unwrap();
    Repository::clone(&url, &project.around.path().join("clone"), &known(), &mut |_| {}).unwrap()
}

/// Neither in files of the repository nor in what is shown.
fn assert_no_secret(dir: &Path) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_no_secret(&path);
        } else {
            let bytes = fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains(GitServer::PASSWORD), "{}", path.display());
            assert!(!text.contains("127.0.0.1") || path.ends_with("config"), "{}", path.display());
        }
    }
}

fn exchange(server: &GitServer, access: &Access, project: &Project) {
    let url = server.url("shared.git");
    let repository = project.open();
    repository.remote_add("origin", &url).unwrap();
    let mut told = Vec::new();
    let first = repository.push("origin", "main", access, &mut |it| told.push(it)).unwrap();
    let clone = project.around.path().join("clone");
    let cloned = Repository::clone(&url, &clone, access, &mut |it| told.push(it)).unwrap();
    assert!(told.iter().any(|it| it.objects > 0 && it.objects_all > 0 && it.bytes > 0), "{told:?}");
    assert_eq!(cloned.head().unwrap(), Some(first));
    assert_eq!(fs::read_to_string(clone.join("flights.yaml")).unwrap(), WORKFLOW);
    assert_eq!(cloned.status().unwrap().files, []);
    assert_eq!(cloned.remotes().unwrap()[0].address, url);

    project.replace("flights.yaml", "files", "topics");
    let second = project.commit("second").unwrap();
    repository.push("origin", "main", access, &mut |_| {}).unwrap();
    let pulled = cloned.pull(&pull("main"), access, &mut |_| {}).unwrap();
    assert_eq!(pulled.merged, Merged::FastForward(second));
    assert_eq!((pulled.fetched.len(), pulled.fetched[0].after), (1, Some(second)));
    assert_eq!(cloned.fetch("origin", access, &mut |_| {}).unwrap(), []);
    git(&clone, &["fsck", "--strict"]);
    assert_no_secret(&clone.join(".git"));
    assert_no_secret(&project.dir.join(".git"));
}

#[test]
fn versions_go_over_http_and_come_back() {
    let project = Project::new();
    git_repository(project.around.path(), "shared.git");
    let server = GitServer::start(project.around.path(), GitBehaviour::Serve);
    exchange(&server, &known(), &project);
    let asked = server.asked.lock().unwrap();
    assert!(asked.iter().all(|it| it.1 && !it.0.contains("127.0.0.1")), "{asked:?}");
}

#[test]
fn versions_go_over_tls_to_who_is_trusted() {
    let project = Project::new();
    git_repository(project.around.path(), "shared.git");
    let server = GitServer::start_tls(project.around.path());
    let (code, text) = {
        project.open().remote_add("tls", &server.url("shared.git")).unwrap();
        refused(project.open().push("tls", "main", &known(), &mut |_| {}))
    };
    assert_eq!(code, 13_034, "{text}");
    assert!(server.asked.lock().unwrap().is_empty(), "who is not trusted is asked nothing");
    let trust = Trust::Authorities(server.certificate.clone().unwrap());
    exchange(&server, &Access { trust, ..known() }, &project);
}

#[test]
fn versions_go_to_a_directory_where_that_is_allowed() {
    let project = Project::new();
    let shared = git_repository(project.around.path(), "shared.git");
    let repository = project.open();
    let url = format!("file://{}", shared.display());
    repository.remote_add("origin", &url).unwrap();
    assert_eq!(refused(repository.push("origin", "main", &known(), &mut |_| {})).0, 13_033);
    repository.push("origin", "main", &files(), &mut |_| {}).unwrap();
    let clone = project.around.path().join("clone");
    assert_eq!(refused(Repository::clone(&url, &clone, &known(), &mut |_| {})).0, 13_033);
    assert!(!clone.exists());
    Repository::clone(&url, &clone, &files(), &mut |_| {}).unwrap();
    assert_eq!(refused(Repository::clone(&url, &clone, &files(), &mut |_| {})).0, 13_002);
}

#[test]
fn an_empty_remote_becomes_an_empty_project() {
    let project = Project::new();
    git_repository(project.around.path(), "shared.git");
    let server = GitServer::start(project.around.path(), GitBehaviour::Serve);
    let clone = project.around.path().join("clone");
    let cloned =
        Repository::clone(&server.url("shared.git"), &clone, &known(), &mut |_| {}).unwrap();
    assert_eq!((cloned.head().unwrap(), cloned.branch().unwrap().as_deref()), (None, Some("main")));
}

#[test]
fn a_push_that_would_lose_versions_of_others_is_refused() {
    let project = Project::new();
    git_repository(project.around.path(), "shared.git");
    let server = GitServer::start(project.around.path(), GitBehaviour::Serve);
    let cloned = shared(&server, &project);
    project.replace("flights.yaml", "files", "theirs");
    project.commit("theirs").unwrap();
    project.open().push("origin", "main", &known(), &mut |_| {}).unwrap();
    let clone = project.around.path().join("clone");
    fs::write(clone.join("flights.yaml"), WORKFLOW.replace("files", "ours")).unwrap();
    let commit = crate::support::commit("ours", weir_versions::Paths::All, cloned.head().unwrap());
    cloned.commit(&commit).unwrap();
    // Whether the versions of others are known here or not.
    for _ in 0..2 {
        let (code, text) = refused(cloned.push("origin", "main", &known(), &mut |_| {}));
        assert_eq!(code, 13_040, "{text}");
        let pulled = cloned.pull(&pull("main"), &known(), &mut |_| {}).unwrap();
        let Merged::Conflicts { conflicts, .. } = pulled.merged else { panic!("{pulled:?}") };
        assert!(
            matches!(&conflicts[..], [Conflict::Field { asset, .. }] if asset == "flights.yaml")
        );
    }
    assert_eq!(refused(cloned.pull(&pull("nowhere"), &known(), &mut |_| {})).0, 13_038);
    assert_eq!(refused(cloned.push("origin", "nowhere", &known(), &mut |_| {})).0, 13_021);
}

#[test]
fn what_the_rules_of_a_remote_refuse_is_said() {
    use std::os::unix::fs::PermissionsExt as _;
    let project = Project::new();
    let shared = git_repository(project.around.path(), "shared.git");
    let hook = shared.join("hooks/update");
    fs::write(&hook, "#!/bin/sh\nexit 1\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let server = GitServer::start(project.around.path(), GitBehaviour::Serve);
    let repository = project.open();
    repository.remote_add("origin", &server.url("shared.git")).unwrap();
    let (code, text) = refused(repository.push("origin", "main", &known(), &mut |_| {}));
    assert_eq!(code, 13_041);
    assert!(text.contains("hook declined"), "{text}");
}

#[test]
fn branches_that_a_remote_has_no_longer_are_forgotten() {
    let project = Project::new();
    let bare = git_repository(project.around.path(), "shared.git");
    let server = GitServer::start(project.around.path(), GitBehaviour::Serve);
    project.open().branch_create("gone", None).unwrap();
    let cloned = shared(&server, &project);
    project.open().push("origin", "gone", &known(), &mut |_| {}).unwrap();
    assert_eq!(cloned.fetch("origin", &known(), &mut |_| {}).unwrap().len(), 1);
    git(&bare, &["branch", "-D", "gone"]);
    let fetched = cloned.fetch("origin", &known(), &mut |_| {}).unwrap();
    assert_eq!((fetched.len(), fetched[0].branch.as_str(), fetched[0].after), (1, "gone", None));
}

#[test]
fn credentials_that_are_missing_or_wrong_are_said_as_such() {
    let project = Project::new();
    git_repository(project.around.path(), "shared.git");
    let server = GitServer::start(project.around.path(), GitBehaviour::Serve);
    let to = project.around.path().join("clone");
    let url = server.url("shared.git");
    for credentials in [
        Credentials::None,
        Credentials::Token(Secret::new("wrong-token")),
        Credentials::Password {
            user: GitServer::USER.into(),
            password: Secret::new("wrong-token"),
        },
    ] {
        let access = Access { credentials, ..Access::anonymous() };
        let (code, text) = refused(Repository::clone(&url, &to, &access, &mut |_| {}));
        assert_eq!(code, 13_037);
        assert!(!text.contains("wrong-token") && text.contains(&url), "{text}");
        assert!(!format!("{access:?}").contains("wrong-token"));
        assert!(!to.exists());
    }
    let url = server.url("missing.git");
    assert_eq!(refused(Repository::clone(&url, &to, &known(), &mut |_| {})).0, 13_038);
    let left: Vec<_> =
        fs::read_dir(project.around.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn credentials_are_not_sent_in_clear_text_over_a_network() {
    let project = Project::new();
    let to = project.around.path().join("clone");
    let (code, text) =
        refused(Repository::clone("http://git.example/x", &to, &known(), &mut |_| {}));
    assert_eq!(code, 13_033, "{text}");
}

#[test]
fn a_remote_that_hangs_comes_to_an_end() {
    let project = Project::new();
    let (deaf, _listener) = deaf();
    let to = project.around.path().join("clone");
    for behaviour in [GitBehaviour::Hang, GitBehaviour::HangInBody] {
        let server = GitServer::start(project.around.path(), behaviour);
        let (code, text) =
            refused(Repository::clone(&server.url("x"), &to, &impatient(), &mut |_| {}));
        assert_eq!(code, 13_035, "{text}");
        assert!(text.contains("said nothing for 0.2 s"), "{text}");
        let limits = Limits { deadline: Duration::from_millis(200), ..Limits::default() };
        let late = Access { limits, ..known() };
        let (code, text) = refused(Repository::clone(&server.url("x"), &to, &late, &mut |_| {}));
        assert_eq!(code, 13_035, "{text}");
        assert!(text.contains("not done after 0.2 s"), "{text}");
    }
    assert_eq!(refused(Repository::clone(&deaf, &to, &impatient(), &mut |_| {})).0, 13_035);
    assert_eq!(refused(Repository::clone(&nobody(), &to, &known(), &mut |_| {})).0, 13_034);
    assert!(!to.exists());
}

#[test]
fn a_step_is_cancelled_from_outside() {
    let project = Project::new();
    let server = GitServer::start(project.around.path(), GitBehaviour::Hang);
    let cancel = Cancel::default();
    let access = Access { cancel: cancel.clone(), ..known() };
    let asked = server.asked.clone();
    let canceller = std::thread::spawn(move || {
        while asked.lock().unwrap().is_empty() {
            std::thread::yield_now();
        }
        cancel.cancel();
    });
    let to = project.around.path().join("clone");
    assert_eq!(refused(Repository::clone(&server.url("x"), &to, &access, &mut |_| {})).0, 13_036);
    canceller.join().unwrap();
    assert_eq!(refused(Repository::clone(&server.url("x"), &to, &access, &mut |_| {})).0, 13_036);
}

#[test]
fn a_push_that_is_cancelled_or_cut_off_after_it_was_sent_is_not_told_as_undone() {
    for is_cancelled in [true, false] {
        let project = Project::new();
        let shared = git_repository(project.around.path(), "shared.git");
        let behaviour = GitBehaviour::Swallow { waits: is_cancelled };
        let server = GitServer::start(project.around.path(), behaviour);
        let repository = project.open();
        repository.remote_add("origin", &server.url("shared.git")).unwrap();
        let cancel = Cancel::default();
        let access = Access { cancel: cancel.clone(), ..known() };
        let asked = server.asked.clone();
        let canceller = is_cancelled.then(|| {
            std::thread::spawn(move || {
                while asked.lock().unwrap().last().is_none_or(|it| it.0 != "done") {
                    std::thread::yield_now();
                }
                cancel.cancel();
            })
        });
        let (code, text) = refused(repository.push("origin", "main", &access, &mut |_| {}));
        assert_eq!((code, text.contains("origin has \"main\" now")), (13_045, true), "{text}");
        if let Some(canceller) = canceller {
            canceller.join().unwrap();
        }
        assert!(git(&shared, &["branch", "--list"]).contains("main"), "it was done");
    }
    // Before that it is known that nothing was done.
    let project = Project::new();
    let server = GitServer::start(project.around.path(), GitBehaviour::Hang);
    project.open().remote_add("origin", &server.url("x")).unwrap();
    let pushed = project.open().push("origin", "main", &impatient(), &mut |_| {});
    assert_eq!(refused(pushed).0, 13_035);
}

#[test]
fn odd_answers_are_refused_and_lead_nowhere() {
    let project = Project::new();
    let elsewhere = GitServer::start(project.around.path(), GitBehaviour::Serve);
    let to = project.around.path().join("clone");
    let moved = format!(
        "HTTP/1.1 301 Moved\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n",
        elsewhere.url("x")
    );
    for (said, code) in [
        (moved.as_str(), 13_039),
        ("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", 13_039),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 13_046),
        ("SSH-2.0-x\r\n\r\n", 13_034),
        ("", 13_034),
    ] {
        let server = GitServer::start(project.around.path(), GitBehaviour::Say(said.to_owned()));
        let (found, text) =
            refused(Repository::clone(&server.url("x"), &to, &known(), &mut |_| {}));
        assert_eq!(found, code, "{said:?}: {text}");
        assert!(!text.contains("127.0.0.1") || text.contains(&server.address), "{text}");
    }
    assert!(elsewhere.asked.lock().unwrap().is_empty());
}

#[test]
fn what_is_no_repository_is_told_as_that_with_what_to_do() {
    let project = Project::new();
    let answer = |kind: &str, body: &str| {
        let length = body.len();
        let said = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        GitServer::start(project.around.path(), GitBehaviour::Say(said))
    };
    let page = answer("text/html", "<html>Welcome</html>");
    let broken = answer(
        "application/x-git-upload-pack-advertisement",
        "001e# service=git-upload-pack\n0000zzzz broken",
    );
    let without_tls = page.url("x").replace("http://", "https://");
    for (address, code, said, hint) in [
        (page.url("x"), 13_046, "answers, and not as Git does", "not that of a page about it"),
        (broken.url("x"), 13_046, "answers, and not as Git does", "git ls-remote"),
        (without_tls, 13_034, "speaks no TLS there", "check the address"),
    ] {
        let to = project.around.path().join("clone");
        let error = Repository::clone(&address, &to, &Access::anonymous(), &mut |_| {});
        let error = error.err().unwrap();
        assert_eq!(error.code().0, code, "{error}");
        assert!(error.to_string().contains(said), "{error}");
        assert!(error.hint().contains(hint), "{error}: {}", error.hint());
        assert!(!to.exists());
    }
}

#[test]
fn a_head_that_is_empty_is_told_with_what_belongs_there() {
    let project = Project::new();
    fs::write(project.dir.join(".git/HEAD"), "").unwrap();
    let error = match Repository::open(&project.dir) {
        Err(error) => error,
        Ok(None) => panic!("there is a repository"),
        Ok(Some(repository)) => repository.branch().unwrap_err(),
    };
    assert!(error.hint().contains("symbolic-ref HEAD"), "{error}: {}", error.hint());
}

#[test]
fn a_remote_that_sends_too_much_is_stopped() {
    let project = Project::new();
    git_repository(project.around.path(), "shared.git");
    let server = GitServer::start(project.around.path(), GitBehaviour::Serve);
    shared(&server, &project);
    let limits = Limits { received: Bytes(300), ..Limits::default() };
    let to = project.around.path().join("second");
    let access = Access { limits, ..known() };
    let (code, text) =
        refused(Repository::clone(&server.url("shared.git"), &to, &access, &mut |_| {}));
    assert_eq!(code, 13_005, "{text}");
}

#[test]
fn remotes_are_listed_and_forgotten() {
    let project = Project::new();
    let repository = project.open();
    repository.remote_add("origin", "https://git.example/x.git").unwrap();
    assert_eq!(refused(repository.remote_add("origin", "https://git.example/y")).0, 13_032);
    for bad in ["-x", "a b", "", "a/b"] {
        assert_eq!(refused(repository.remote_add(bad, "https://git.example/y")).0, 13_011, "{bad}");
    }
    let (code, text) = refused(repository.remote_add("x", "https://me:hidden@git.example/y"));
    assert_eq!((code, text.contains("hidden")), (13_033, false), "{text}");
    project.git(&["remote", "add", "theirs", "https://me:hidden@git.example/y"]);
    let shown: Vec<_> = repository.remotes().unwrap().into_iter().map(|it| it.address).collect();
    assert_eq!(shown, ["https://git.example/x.git", "https://******@git.example/y"]);
    let (code, text) = refused(repository.fetch("theirs", &known(), &mut |_| {}));
    assert_eq!((code, text.contains("hidden")), (13_033, false), "{text}");
    repository.remote_remove("theirs").unwrap();
    assert_eq!(refused(repository.remote_remove("theirs")).0, 13_031);
    assert_eq!(refused(repository.fetch("theirs", &known(), &mut |_| {})).0, 13_031);
}

#[test]
fn what_a_clone_left_that_died_is_in_nobodys_way() {
    let project = Project::new();
    let server = GitServer::start(project.around.path(), GitBehaviour::Serve);
    git_repository(project.around.path(), "shared.git");
    shared(&server, &project);
    let to = project.around.path().join("again");
    let left = project.around.path().join(".again.weir-clone");
    fs::create_dir_all(left.join(".git/objects")).unwrap();
    fs::write(left.join("half.yaml"), "a: ").unwrap();
    let mut second = None;
    let url = server.url("shared.git");
    let mut meanwhile = |_| {
        // One that is at work is left alone.
        second.get_or_insert_with(|| refused(Repository::clone(&url, &to, &known(), &mut |_| {})));
    };
    Repository::clone(&url, &to, &known(), &mut meanwhile).unwrap();
    assert_eq!(second.unwrap().0, 13_016);
    assert!(!left.exists() && !to.join("half.yaml").exists());
    assert_eq!(fs::read_to_string(to.join("flights.yaml")).unwrap(), crate::support::WORKFLOW);
}

#[test]
fn a_step_on_this_machine_ends_in_time_as_well() {
    let project = Project::new();
    let shared = git_repository(project.around.path(), "shared.git");
    let url = shared.display().to_string();
    let repository = project.open();
    repository.remote_add("origin", &url).unwrap();
    let limits = Limits { deadline: Duration::ZERO, ..Limits::default() };
    let late = Access { limits, ..files() };
    let (code, text) = refused(repository.push("origin", "main", &late, &mut |_| {}));
    assert_eq!((code, text.contains("shared.git")), (13_035, true), "{text}");
    assert_eq!(git(&shared, &["branch", "--list"]), "");
    repository.push("origin", "main", &files(), &mut |_| {}).unwrap();
    let to = project.around.path().join("clone");
    assert_eq!(refused(Repository::clone(&url, &to, &late, &mut |_| {})).0, 13_035);
    assert!(!to.exists());
    Repository::clone(&url, &to, &files(), &mut |_| {}).unwrap();
}

#[test]
fn credentials_go_to_the_address_that_they_were_given_for_and_to_no_other() {
    let root = tempfile::tempdir().unwrap();
    git_repository(root.path(), "shop");
    let (meant, other) = (
        GitServer::start(root.path(), GitBehaviour::Serve),
        GitServer::start(root.path(), GitBehaviour::Serve),
    );
    let project = Project::new();
    let address = meant.url("shop");
    project.open().remote_add("origin", &address).unwrap();
    let access = Access { meant: Some(address), ..known() };
    project.open().fetch("origin", &access, &mut |_| {}).unwrap();
    project.git(&["remote", "set-url", "origin", &other.url("shop")]);
    let (code, _) = refused(project.open().fetch("origin", &access, &mut |_| {}));
    assert_eq!(code, 13_043);
    assert!(other.asked.lock().unwrap().is_empty());
}

/// Something that accepts and never reads.
fn deaf() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    (format!("http://{}/x", listener.local_addr().unwrap()), listener)
}

/// A port that nobody listens on.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    debug_assert!(TcpStream::connect(address).is_err());
    format!("http://{address}/x")
}
