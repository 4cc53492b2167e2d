//! `weir deploy`: a project becomes what a cluster runs, in one command, as CI needs it.
//!
//! A directory of this machine is built here and sent to an engine; a project of a configuration server is
//! built and sent by that server, as an operation that goes on without this command. Both do the same steps
//! by the same code.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use weir_domain::{CommandId, DeploymentTag, WorkflowName};
use weir_http_api::{DeployRequest, DeployedView, OperationStep, StepState};
use weir_stream::Registry;

use super::args::{ConfArgs, Global, Once, Wait};
use super::build::{signer, unwritten, what};
use super::exit::Reason;
use super::failure::Failure;
use super::human::{self, plain, plural};
use super::look::{Look, Tone};
use super::operation;
use super::output::Output;
use super::packing::{PackingArgs, is_directory};
use crate::delivery::{self, NotDeployed, Order, Telling};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A project directory, which is built here; or the name of a project of the configuration server
    #[arg(default_value = ".")]
    project: String,
    #[command(flatten)]
    packing: PackingArgs,
    /// A package that the configuration server keeps, instead of building one
    #[arg(long, value_name = "ID", conflicts_with_all = super::packing::NAMES)]
    package: Option<CommandId>,
    /// The deployment that it is based on; without it, DeploymentRoot
    #[arg(long, value_name = "TAG")]
    base: Option<DeploymentTag>,
    /// Make it the default: what nodes run that no rule fits. Without it, it is stored, and nothing runs
    #[arg(long)]
    activate: bool,
    /// Build it, and say what would be sent, and what would start, stop and stay
    #[arg(long)]
    plan: bool,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    once: Once,
    #[command(flatten)]
    conf: ConfArgs,
}

impl Args {
    pub(crate) async fn run(
        self,
        global: &Global,
        out: &Output,
        registry: &Registry,
    ) -> Result<ExitCode, Failure> {
        let dir = PathBuf::from(&self.project);
        let deployed = match is_directory(&self.project) {
            true => self.here(&dir, global, out, registry).await?,
            false => self.at_server(global, out).await?,
        };
        out.show(&deployed, shown)?;
        Ok(ExitCode::SUCCESS)
    }

    async fn at_server(&self, global: &Global, out: &Output) -> Result<DeployedView, Failure> {
        let client = self.once.client(&global.design()?);
        let what = format!("can't deploy {}", plain(&self.project));
        let build = self.packing.request(&what)?;
        let request = DeployRequest {
            package: self.package,
            build: self.package.is_none().then_some(build),
            cluster: global.cluster.clone(),
            base: self.base.clone(),
            activate: self.activate,
            wait: self.wait.limit(),
            dry_run: self.plan,
        };
        let begun = client.project_deploy(&self.project, &request).await;
        operation::result(&client, out, (what, begun)).await
    }

    async fn here(
        &self,
        dir: &Path,
        global: &Global,
        out: &Output,
        registry: &Registry,
    ) -> Result<DeployedView, Failure> {
        if self.package.is_some() {
            let why = "a directory is built here: no configuration server keeps what is sent";
            let failure = Failure::new(Reason::Usage, what(dir), why);
            return Err(failure.with_hint("leave out --package, or name a project"));
        }
        let author = std::env::var("USER").unwrap_or_else(|_| "unknown".to_owned());
        let told = Arc::new(Told { out: *out, step: Mutex::default() });
        told.step("build");
        let client = global.client()?;
        let made = self.packing.built((dir, &author), Some(&client), (registry, out)).await?;
        let signer = signer(&self.conf, false, out)?;
        let unkept = |it: std::io::Error| super::files::unwritten("a file for the package", &it);
        let directory = tempfile::TempDir::new().map_err(unkept)?;
        let file = directory.path().join("package.weir");
        delivery::write(&file, &made.package, &signer).map_err(|it| unwritten(&file, &it))?;
        let proven = delivery::prove(&file).map_err(|it| unwritten(&file, &it))?;
        let order = Order {
            base: self.base.clone(),
            activate: self.activate,
            wait: self.wait.limit(),
            dry_run: self.plan,
            key: self.once.key(),
        };
        let deployed = delivery::deploy(&client, (&file, &proven), &order, told).await;
        deployed.map_err(not_deployed)
    }
}

/// Tells on stderr how far it is.
struct Told {
    out: Output,
    step: Mutex<Option<OperationStep>>,
}

impl Told {
    fn tell(&self, change: impl FnOnce(&mut Option<OperationStep>)) {
        let mut step = self.step.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut step);
        if let Some(step) = &*step {
            self.out.note(&operation::step(step));
        }
    }
}

#[async_trait]
impl Telling for Told {
    fn step(&self, name: &str) {
        let step = OperationStep { state: StepState::Running, ..OperationStep::waiting(name) };
        self.tell(|it| *it = Some(step));
    }

    /// Messages say enough to people who read a log.
    fn percent(&self, _: u8) {}

    fn message(&self, message: String) {
        let is_new = {
            let step = self.step.lock().unwrap_or_else(PoisonError::into_inner);
            step.as_ref().is_some_and(|it| it.message.as_ref() != Some(&message))
        };
        if is_new {
            self.tell(|it| {
                if let Some(step) = it {
                    step.message = Some(message);
                }
            });
        }
    }

    /// Whoever ends this command ends it.
    fn is_cancelled(&self) -> bool {
        false
    }

    async fn cancelled(&self) {
        std::future::pending().await
    }
}

fn not_deployed(refused: NotDeployed) -> Failure {
    match refused {
        NotDeployed::Cancelled => {
            Failure::new(Reason::Cancelled, "it was not deployed", "somebody asked for its end")
        }
        NotDeployed::Refused { what, error } => Failure::of_client(what, error),
        NotDeployed::Superseded(node) => {
            let why = format!(
                "another one was made the default since: {} is to run {} now",
                node.node, node.target
            );
            let failure = Failure::new(Reason::Contradiction, "it was activated", why);
            failure.with_hint("weir deployment list and weir audit list tell who did that")
        }
        NotDeployed::NodeFailed(node) => super::deployment::node_failed(&node),
        NotDeployed::Late(limit) => super::deployment::nodes_late(limit),
    }
}

fn shown(it: &DeployedView, look: &Look) -> String {
    let count = |it: u64| plural(usize::try_from(it).unwrap_or(usize::MAX), "object");
    let size = |it: weir_http_api::ObjectCountView| {
        format!("{}, {}", count(it.objects), human::bytes(it.bytes))
    };
    let mut text = String::new();
    if it.dry_run {
        text += &format!("{}\n", look.paint(Tone::Busy, "plan: nothing is stored; this would be:"));
    }
    let sent = if it.dry_run { "to send" } else { "sent" };
    text += &format!(
        "{} on {}, digest {:.12}: {}; {sent} {}\n",
        it.tag,
        it.base,
        it.digest,
        size(it.total),
        size(it.sent)
    );
    if it.dry_run || it.activated {
        for node in &it.plan {
            let parts = [
                ("starts", &node.starts),
                ("stops", &node.stops),
                ("restarts", &node.restarts),
                ("stays", &node.stays),
            ];
            let parts = parts.iter().filter(|it| !it.1.is_empty()).map(|(word, names)| {
                let names: Vec<_> = names.iter().map(WorkflowName::as_str).collect();
                format!("{word} {}", names.join(", "))
            });
            let parts: Vec<_> = parts.collect();
            text += &format!(
                "{}: {} -> {}; {}\n",
                node.node,
                node.before,
                node.after,
                parts.join("; ")
            );
        }
    }
    for it in &it.obstacles {
        let label = look.paint(Tone::Bad, "activating it would be refused:");
        text += &format!("{label} {}\n  {}\n", plain(&it.detail), plain(&it.hint));
    }
    text += match (it.dry_run, it.activated) {
        (true, _) => "",
        (false, true) => "it is the default\n",
        (false, false) => "it is stored, and nothing runs of it\n",
    };
    text
}
