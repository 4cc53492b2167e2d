//! The API under attack: every operation of every document, as a generator of requests reads it.
//!
//! - Whatever is sent, no answer is a failure of the server, and each is documented: its status, its type, its
//!   headers and its content.
//! - What does not fit the document is refused, and so is who shows no token where one is needed.
//! - The documents are valid by a validator that knows nothing of how they are made.
//!
//! `schemathesis.toml` says what is left out, and why. `WEIR_SEED` repeats a run; a seed that found something is
//! kept in `seeds.txt`. `WEIR_EXAMPLES` sets how many requests are made up for each operation, which makes others of a
//! seed. The programs are installed by `scripts/tools test`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{DEADLINE, Start, Weir, number, wait_for};
use crate::tidy::root;

const SEED: u64 = 20_261_121;
/// Requests that are made up for each operation, beside those that go to its bounds one by one.
const EXAMPLES: u64 = 4;
/// All of one document take a part of it on a machine that does nothing else.
const WITHIN: Duration = Duration::from_secs(900);
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn start(root: &Path) -> Weir {
    Start::sample(root)
        .set(&format!("weir.management.token={TOKEN}"))
        .set("weir.management.read-only=false")
        // Who shows nothing is nobody, although it is on this machine.
        .set("weir.rest-server.trust-local=none")
        .ready()
}

fn program(name: &str) -> Command {
    let path = root().join("target/api/bin").join(name);
    assert!(path.exists(), "{} is missing: `scripts/tools test` installs it", path.display());
    Command::new(path)
}

/// What it says, and whether all went well.
fn ran(command: &mut Command, output: &Path) -> (bool, String) {
    let file = File::create(output).unwrap();
    command.stdin(Stdio::null()).stderr(file.try_clone().unwrap()).stdout(file);
    let mut child = command.spawn().unwrap();
    let status = wait_for("the program to end", WITHIN, || child.try_wait().unwrap());
    (status.success(), fs::read_to_string(output).unwrap())
}

/// A seed, and how many requests it makes up for each operation.
type Seed = (u64, u64);

/// The fixed seed or that of the environment, and those that found something.
fn seeds(document: &str) -> Vec<Seed> {
    let kept = fs::read_to_string(root().join("tests/api/seeds.txt")).unwrap();
    let kept = kept.lines().filter(|it| !it.starts_with('#')).map(|line| {
        let seed = line.split_once(' ').and_then(|(of, seed)| Some((of, seed.split_once(' ')?)));
        let (of, (seed, examples)) = seed.expect("a seed is `document seed examples`");
        (of, (seed.parse().unwrap(), examples.parse().unwrap()))
    });
    let kept = kept.filter_map(|(of, seed)| (of == document).then_some(seed));
    let first = (number("WEIR_SEED", SEED), number("WEIR_EXAMPLES", EXAMPLES));
    [first].into_iter().chain(kept).collect()
}

#[track_caller]
fn attacked(document: &str, of: impl FnOnce(&Weir) -> String) {
    let dir = tempfile::tempdir().unwrap();
    let weir = start(dir.path());
    let url = of(&weir);
    for (seed, examples) in seeds(document) {
        let mut attack = program("st");
        attack
            .arg("--config-file")
            .arg(root().join("tests/api/schemathesis.toml"))
            .args(["run", &url])
            .args(["--header", &format!("Authorization: Bearer {TOKEN}")])
            .args(["--phases", "examples,coverage,fuzzing"])
            .args(["--max-examples", &examples.to_string()])
            .args(["--seed", &seed.to_string(), "--warnings", "off", "--no-color", "--no-shrink"])
            .args(["--continue-on-failure", "--request-timeout", "30"])
            .env("SCHEMATHESIS_HOOKS", "hooks")
            .env("PYTHONPATH", root().join("tests/api"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            // It keeps what failed where it runs.
            .current_dir(dir.path());
        let (is_well, said) = ran(&mut attack, &dir.path().join("attack.txt"));
        let log = weir.process.log();
        assert!(!log.contains("panicked"), "{log}");
        assert!(
            is_well,
            "{said}\nrepeat it with WEIR_SEED={seed} WEIR_EXAMPLES={examples}, and keep `{document} {seed} {examples}` in \
             tests/api/seeds.txt"
        );
    }
    // It works as before.
    let readyz = wait_for("an answer", DEADLINE, || {
        let (status, said) = weir.get(weir.rest(), "/readyz?verbose");
        (status == 200).then_some(said)
    });
    assert!(readyz.contains("ready"), "{readyz}");
}

#[test]
fn an_engine_answers_whatever_is_sent_as_its_document_says() {
    attacked("engine", |it| format!("{}/api/v1/openapi.json", it.rest()));
}

#[test]
fn a_configuration_server_answers_whatever_is_sent_as_its_document_says() {
    attacked("config-server", |it| format!("{}/api/v1/openapi.json", it.page()));
}

#[test]
fn management_answers_whatever_is_sent_as_its_document_says() {
    attacked("management", |it| format!("{}/openapi.json", it.management()));
}

#[test]
fn the_documents_are_valid_by_an_independent_validator() {
    let dir = tempfile::tempdir().unwrap();
    let check = |file: PathBuf| {
        let mut validator = program("openapi-spec-validator");
        ran(validator.args(["--schema", "3.1"]).arg(file), &dir.path().join("said.txt"))
    };
    for name in ["engine", "management", "config-server"] {
        let file = root().join(format!("schemas/openapi/{name}.json"));
        let text = fs::read_to_string(&file).unwrap();
        let (is_valid, said) = check(file);
        assert!(is_valid, "{name}: {said}");

        // It would have found something.
        let broken = dir.path().join("broken.json");
        fs::write(&broken, text.replacen("\"responses\"", "\"answers\"", 1)).unwrap();
        let (is_valid, said) = check(broken);
        assert!(!is_valid, "{name}: {said}");
    }
}
