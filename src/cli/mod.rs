//! The command line: `weir <noun> <verb>`.
//!
//! - Data goes to stdout; everything else goes to stderr.
//! - A command that asks a server speaks its REST API as any other client does.
//! - Rendering is pure: a value and a [`Look`](look::Look) become a text, so that it is tested
//!   without a server, a terminal or a clock.
//!
//! What runs servers is in `boot`; this module only reads their arguments.

mod access;
mod alarm;
pub(crate) mod args;
mod audit;
mod build;
mod certs;
mod cluster;
mod conf;
mod config_server;
mod dead_letter;
mod deploy;
mod deployment;
mod excerpt;
mod exit;
mod failure;
mod files;
mod fleet;
mod hidden;
mod host;
mod human;
mod key;
mod listing;
mod login;
mod logs;
mod look;
mod node;
mod operation;
mod output;
mod packing;
mod persistence;
mod profile;
mod project;
mod role;
mod scheduler;
mod schema;
mod sealing;
mod secret;
mod stream;
mod table;
mod tap;
mod test;
mod token;
mod usage;
mod user;
mod version;
mod watch;
mod workflow;

#[cfg(test)]
mod samples;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use weir_stream::Registry;

pub(crate) use args::{ConfArgs, DevArgs, ServerArgs};
pub(crate) use failure::{Findings, Undecided};

use args::Global;
use exit::{Exit, Reason};
use failure::Failure;
use output::Output;

/// Weir: distributed data processing that commits every file as a whole or not at all.
#[derive(Debug, Parser)]
#[command(name = "weir", version, arg_required_else_help = true, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    noun: Noun,
}

const AFTER_HELP: &str = "\
Begin with `weir dev`: it runs a sample project and says where to look.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 not allowed, 5 conflict,
6 validation found errors, 7 timed out, 8 the server can't be reached, 9 cancelled,
10 a comparison found differences.";

#[derive(Debug, Subcommand)]
enum Noun {
    /// Run everything in one process, with an embedded database
    Dev(DevArgs),
    /// Run a configuration server
    ConfigServer(config_server::Args),
    /// Run a reactive engine
    ReactiveEngine(ServerArgs),
    /// Workflows of an engine
    #[command(subcommand, visible_alias = "workflows")]
    Workflow(workflow::Verb),
    /// Streams: what runs and what ran
    #[command(subcommand, visible_alias = "streams")]
    Stream(stream::Verb),
    /// Dead letters: records that could not be processed, and what becomes of them
    #[command(subcommand, visible_alias = "dead-letters")]
    DeadLetter(dead_letter::Verb),
    /// Look at the records on an edge of a workflow, as they pass
    Tap(tap::Tap),
    /// Items and resources: what was handed out, and to whom
    #[command(subcommand)]
    Access(access::Verb),
    /// Items of sources, as in `weir access`
    #[command(subcommand, alias = "items", hide = true)]
    Item(access::ItemVerb),
    /// What engines and configuration servers log: read it, or follow it
    Logs(logs::Logs),
    /// Nodes of the cluster
    #[command(subcommand, visible_alias = "nodes")]
    Node(node::Verb),
    /// The cluster: members, leases, links, and changing them
    Cluster(cluster::Args),
    /// The clusters that a configuration server knows
    #[command(subcommand, visible_alias = "clusters")]
    Fleet(fleet::Verb),
    /// Build a package from a project directory: a deployment as one signed file
    Build(build::Args),
    /// Deploy a project: build it, send what the cluster lacks, and run it, in one command
    Deploy(Box<deploy::Args>),
    /// Operations of a configuration server: what takes longer than a request may
    #[command(subcommand, visible_alias = "operations")]
    Operation(operation::Verb),
    /// Deployments: what is stored, which node runs it, and changing that
    #[command(subcommand, visible_alias = "deployments")]
    Deployment(deployment::Verb),
    /// The schedule: how many instances of each workflow run, where and why
    #[command(subcommand, visible_alias = "schedule")]
    Scheduler(scheduler::Verb),
    /// Log in; the session is kept in the profile
    Login(login::Login),
    /// Log out
    Logout,
    /// Show who one is at the server, and what one may do
    Whoami,
    /// Profiles: servers, and who one is there
    #[command(subcommand, visible_alias = "profiles")]
    Profile(profile::Verb),
    /// Users of the cluster
    #[command(subcommand, visible_alias = "users")]
    User(user::Verb),
    /// Roles: what users may do
    #[command(subcommand, visible_alias = "roles")]
    Role(role::Verb),
    /// Tokens, for programs
    #[command(subcommand, visible_alias = "tokens")]
    Token(token::Verb),
    /// Sessions of users
    #[command(subcommand, visible_alias = "sessions")]
    Session(token::SessionVerb),
    /// Key pairs that secrets are sealed to
    #[command(subcommand, visible_alias = "keys")]
    Key(key::Verb),
    /// Secrets: values that only the cluster opens
    #[command(subcommand, visible_alias = "secrets")]
    Secret(secret::Verb),
    /// Alarms: what is wrong in the cluster, what was, and who has seen it
    #[command(subcommand, visible_alias = "alarms")]
    Alarm(alarm::Verb),
    /// The audit: who did what
    #[command(subcommand)]
    Audit(audit::Verb),
    /// The database that engines share
    #[command(subcommand)]
    Persistence(persistence::Verb),
    /// Certificates: those that the cluster trusts or shows, and those of the links between nodes
    #[command(subcommand)]
    Certs(certs::Verb),
    /// Known hosts: servers whose keys the cluster trusts
    #[command(subcommand, visible_alias = "hosts")]
    Host(host::Verb),
    /// Project directories on this machine, and projects of a configuration server
    Project(project::Command),
    /// Run the tests of a project directory, without any server
    Test(test::Args),
    /// The configuration of a process
    #[command(subcommand)]
    Conf(conf::Verb),
    /// Print the JSON Schemas of project files, or write them into a directory
    Schema(schema::Args),
    /// Print the version
    Version(version::Args),
    /// Print a completion script for a shell
    Completion { shell: clap_complete::Shell },
}

/// Reads the arguments, does what they say, and returns the code to exit with. `registry` makes
/// the kinds of stages that this binary knows.
pub(crate) fn run(registry: fn() -> Registry) -> ExitCode {
    let Cli { global, noun } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_parsed(&error),
    };
    let out = Output::of_process(global.output, global.no_color);
    noun.run(&global, &out, registry).unwrap_or_else(|it| failed(&out, &it))
}

fn failed(out: &Output, failure: &Failure) -> ExitCode {
    out.error(failure);
    failure.exit.into()
}

/// A help that was asked for is printed; what can't be meant is refused.
fn not_parsed(error: &clap::Error) -> ExitCode {
    let words = std::env::args_os().map(|it| it.to_string_lossy().into_owned());
    let words: Vec<_> = words.collect();
    let no_color = usage::no_color(&words);
    let out = Output::of_process(usage::format(&words), no_color);
    if let Some(failure) = usage::refused(error, &words) {
        return failed(&out, &failure);
    }
    show_help(error, no_color.then_some(&out));
    match error.use_stderr() {
        true => Exit::Usage.into(),
        false => ExitCode::SUCCESS,
    }
}

/// Whoever wanted to read it may be gone. `plain`: write it there, without colours.
fn show_help(help: &clap::Error, plain: Option<&Output>) {
    let text = help.render().to_string();
    match plain {
        None => drop(help.print()),
        Some(out) if help.use_stderr() => out.note(text.trim_end()),
        Some(out) => drop(out.print(&text)),
    }
}

impl Noun {
    fn run(
        self,
        global: &Global,
        out: &Output,
        registry: fn() -> Registry,
    ) -> Result<ExitCode, Failure> {
        match self {
            Self::Dev(args) => Ok(crate::boot::dev(args)?),
            Self::ConfigServer(args) => args.run(out),
            Self::ReactiveEngine(args) => Ok(crate::boot::reactive_engine(&args)?),
            Self::Workflow(verb) => asked(verb.run(&global.client()?, out)),
            Self::Stream(verb) => asked(verb.run(&global.client()?, out)),
            Self::DeadLetter(verb) => asked(verb.run(&global.client()?, out)),
            Self::Tap(args) => asked(args.run(&global.client()?, out)),
            Self::Access(verb) => asked(verb.run(&global.client()?, out)),
            Self::Item(verb) => asked(verb.run(&global.client()?, out)),
            Self::Logs(args) => asked(args.run(global, out)),
            Self::Node(verb) => asked(verb.run(&global.client()?, out)),
            Self::Cluster(args) => asked(args.run(global, out)),
            Self::Fleet(verb) => asked(verb.run(&global.design()?, out)),
            Self::Build(args) => asked(args.run(global, out, &registry())),
            Self::Deploy(args) => asked(args.run(global, out, &registry())),
            Self::Operation(verb) => asked(verb.run(&global.design()?, out)),
            Self::Deployment(verb) => asked(verb.run(global, out, &registry())),
            Self::Scheduler(verb) => asked(verb.run(&global.client()?, out)),
            Self::Login(args) => asked(args.run(global, out)),
            Self::Logout => asked(login::logout(global, out)),
            Self::Whoami => asked(login::whoami(global, out)),
            Self::Profile(verb) => verb.run(global.ca(), out),
            Self::User(verb) => asked(verb.run(&global.client()?, out)),
            Self::Role(verb) => asked(verb.run(&global.client()?, out)),
            Self::Token(verb) => asked(verb.run(&global.client()?, out)),
            Self::Session(verb) => asked(verb.run(&global.client()?, out)),
            Self::Key(verb) => match verb.run_here(out) {
                Some(done) => done,
                None => asked(verb.run(&global.client()?, out)),
            },
            Self::Secret(verb) => asked(verb.run(&global.client()?, out)),
            Self::Alarm(verb) => asked(verb.run(&global.client()?, out)),
            Self::Audit(verb) => asked(verb.run(&global.client()?, out)),
            Self::Persistence(verb) => asked(verb.run(out)),
            Self::Certs(verb) => match verb.run_here(out) {
                Some(done) => done,
                None => asked(verb.run(&global.client()?, out)),
            },
            Self::Host(verb) => asked(verb.run(&global.client()?, out)),
            Self::Project(command) => command.run(global, out, registry),
            Self::Test(args) => args.run(global, out, &registry()),
            Self::Conf(verb) => verb.run(out),
            Self::Schema(args) => args.run(global, out, &registry()),
            Self::Version(args) => asked(args.run(global, out)),
            Self::Completion { shell } => completion(shell, out),
        }
    }
}

/// Runs a command that waits for a server. One thread does: it waits nearly all of the time.
fn asked<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let refuse = |it: std::io::Error| Failure::new(Reason::Machine, "can't start", it.to_string());
    runtime.map_err(refuse)?.block_on(command)
}

/// Runs work of this machine, on as many threads as it has.
fn asked_on_threads<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let refuse = |it: std::io::Error| Failure::new(Reason::Machine, "can't start", it.to_string());
    Ok(runtime.map_err(refuse)?.block_on(work))
}

fn completion(shell: clap_complete::Shell, out: &Output) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "weir", &mut script);
    out.print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_of_the_commands_is_sound() {
        Cli::command().debug_assert();
    }

    fn refusal(line: &str) -> String {
        let error = Cli::try_parse_from(line.split(' ')).expect_err("a wrong command line");
        assert_eq!(error.exit_code(), 2, "{line}");
        error.to_string()
    }

    #[test]
    fn a_slip_is_answered_with_the_right_word() {
        assert!(refusal("weir worfklow list").contains("'workflow'"));
        assert!(refusal("weir stream lst").contains("'list'"));
        assert!(refusal("weir stream list --stat open").contains("'--state'"));
        let states = refusal("weir stream list --state done");
        assert!(states.contains("committedWithWarnings"), "{states}");
        assert!(refusal("weir stream show 17").contains("'17'"));
        assert!(refusal("weir stream list --limit 0").contains("'0'"));
        assert!(refusal("weir item list --status rolledBack").contains("failed"));
        assert!(refusal("weir item reset").contains("--source"));
        assert!(refusal("weir access clear").contains("--source"));
        assert!(refusal("weir access items --match ").contains("pattern"));
        assert!(refusal("weir cluster leav node-1").contains("'leave'"));
        assert!(refusal("weir cluster leave node-1 --timeout 5s").contains("--wait"));
        assert!(refusal("weir cluster move access-coordinator").contains("NODE"));
        assert!(refusal("weir deployment activat x").contains("'activate'"));
        assert!(refusal("weir deployment assign x").contains("--node"));
        assert!(refusal("weir deployment assign x --node a --role b").contains("--role"));
        assert!(refusal("weir deployment upload f --tag a/b").contains("a/b"));
        assert!(refusal("weir deployment canary start x --max-errors 2").contains("0.1%"));
        assert!(refusal("weir certs dev --dir tls").contains("<HOST>"));
    }

    #[test]
    fn the_management_server_is_named_before_or_after_the_verb() {
        for line in [
            "weir cluster --management http://h:1 status -w",
            "weir cluster leave node-1 --wait --timeout 90s --management http://h:1",
            "weir cluster move access-coordinator --anywhere --token-file t --management http://h:1",
        ] {
            let cli = Cli::try_parse_from(line.split(' ')).expect("a right command line");
            let Noun::Cluster(args) = cli.noun else { panic!("{line}") };
            assert_eq!(args.server.management.as_deref(), Some("http://h:1"), "{line}");
        }
    }

    /// One line for each command whose request takes the header `idempotency-key`, that nobody has to
    /// wonder which command may be sent again.
    #[test]
    fn what_a_server_carries_out_once_takes_a_key() {
        for line in [
            "access clear --source s/read",
            "access reset --source s/read",
            "access revoke g 1",
            "build p",
            "certs add a --file f",
            "certs delete a",
            "deploy p",
            "deployment activate t",
            "deployment apply d",
            "deployment assign t --node n",
            "deployment canary promote",
            "deployment canary rollback",
            "deployment canary start t",
            "deployment delete t",
            "deployment rollback",
            "deployment unassign --node n",
            "deployment upload f",
            "fleet add c http://h:1",
            "fleet remove c",
            "fleet set c http://h:1 --note n",
            "host add a line",
            "host delete a",
            "key create a",
            "key delete a",
            "key import a",
            "key rewrap",
            "key rotate a",
            "node drain n",
            "node undrain n",
            "project branch create p b",
            "project create p",
            "project import f",
            "project mv p a.yaml b",
            "project put p a.yaml f",
            "project push p",
            "project remove p",
            "project take p q a.yaml",
            "role create r --claim key:read",
            "role delete r",
            "role set r --claim key:read",
            "scheduler apply f",
            "scheduler rebalance",
            "scheduler set w --target 1",
            "session end 01970000-0000-7000-8000-000000000001",
            "session end-all u",
            "token create t --claim key:read",
            "token revoke 01970000-0000-7000-8000-000000000001",
            "user create u",
            "user delete u",
            "user password",
            "user password u",
            "user set u --disable",
        ] {
            let line = format!("weir {line} --idempotency-key k");
            let parsed = Cli::try_parse_from(line.split(' '));
            assert!(parsed.is_ok(), "{line}: {}", parsed.expect_err("refused"));
        }
    }

    #[test]
    fn global_options_stand_anywhere() {
        let line = "weir workflow list -o json --server http://h:1";
        let cli = Cli::try_parse_from(line.split(' ')).expect("a right command line");
        assert_eq!(cli.global.server.as_deref(), Some("http://h:1"));
        assert_eq!(cli.global.output, output::Format::Json);
    }

    #[test]
    fn a_data_directory_that_is_not_named_is_left_to_the_configuration() {
        let dev = |line: &str| match Cli::try_parse_from(line.split(' ')).map(|it| it.noun) {
            Ok(Noun::Dev(args)) => args,
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(dev("weir dev --data-dir x").data_dir, Some("x".into()));
        let configured = dev("weir dev -D weir.data-dir=x");
        assert_eq!(configured.data_dir, None);
        assert_eq!(configured.conf.set, ["weir.data-dir=x"]);
    }

    #[test]
    fn every_shell_has_a_completion_script() {
        for shell in <clap_complete::Shell as clap::ValueEnum>::value_variants() {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "weir", &mut script);
            assert!(String::from_utf8_lossy(&script).contains("workflow"), "{shell}");
        }
    }
}
