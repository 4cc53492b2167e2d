//! Commands that change the cluster.

use weir_domain::{NodeName, NodeUid, did_you_mean};
use weir_http_api::MemberView;
use weir_http_client::{Error, Management};

use super::{refused, tables, wait};
use crate::cli::args::Wait;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

#[derive(Debug, clap::Args)]
pub(super) struct OnMember {
    /// Its name or uid
    node: String,
    #[command(flatten)]
    wait: Wait,
}

#[derive(Debug, clap::Args)]
pub(super) struct Move {
    /// The lease, as `weir cluster leases` names it
    lease: String,
    /// The engine to move it to
    #[arg(required_unless_present = "anywhere")]
    node: Option<NodeName>,
    /// End an earlier move: the cluster chooses its place
    // Nobody can tell when that is done: the lease may stay where it is.
    #[arg(long, conflicts_with_all = ["node", "wait"])]
    anywhere: bool,
    #[command(flatten)]
    wait: Wait,
}

impl OnMember {
    pub(super) async fn leave(self, client: &Management, out: &Output) -> Result<(), Failure> {
        let asked = self.asked(client).await;
        match client.leave(&self.node).await {
            Ok(member) => self.finish(client, out, (asked, member)).await,
            Err(error) => {
                let what = format!("can't let {:?} leave", self.node);
                Err(self.refused("leave", what, client, error).await)
            }
        }
    }

    pub(super) async fn down(self, client: &Management, out: &Output) -> Result<(), Failure> {
        let asked = self.asked(client).await;
        match client.down(&self.node).await {
            Ok(member) => self.finish(client, out, (asked, member)).await,
            Err(error) => {
                let what = format!("can't down {:?}", self.node);
                Err(self.refused("down", what, client, error).await)
            }
        }
    }

    /// Which member is asked: if it is told to leave, it may be gone before it is asked again.
    async fn asked(&self, client: &Management) -> Option<NodeUid> {
        client.members().await.ok().map(|it| it.node.uid)
    }

    async fn finish(
        self,
        client: &Management,
        out: &Output,
        (asked, member): (Option<NodeUid>, MemberView),
    ) -> Result<(), Failure> {
        let Some(limit) = self.wait.limit() else {
            return out.show(&member, tables::member_line);
        };
        match wait::until_removed(client, (asked, member), limit).await? {
            wait::Gone::Removed(member) => out.show(&member, tables::member_line),
            wait::Gone::Ended(member) => {
                out.note(&format!("the engine at {} has ended", client.base()));
                out.show(&member, tables::member_line)
            }
        }
    }

    /// Turns "there is no such member" into a command that works.
    async fn refused(self, verb: &str, what: String, client: &Management, error: Error) -> Failure {
        let failure = refused(what, error);
        if failure.exit != Exit::NotFound {
            return failure;
        }
        // The first answer stands, whatever became of the server since.
        let known = client.members().await.map(|it| it.members).unwrap_or_default();
        match did_you_mean(&self.node, known.iter().map(|it| it.name.as_str())) {
            Some(near) => failure.with_hint(format!("weir cluster {verb} {near}")),
            None => failure.with_hint("weir cluster members"),
        }
    }
}

impl Move {
    pub(super) async fn run(self, client: &Management, out: &Output) -> Result<(), Failure> {
        let told = client.lease_move(&self.lease, self.node.clone()).await.map_err(|error| {
            let has_hint = matches!(&error, Error::Problem(problem) if problem.hint.is_some());
            let failure = refused(format!("can't move lease {:?}", self.lease), error);
            match failure.exit {
                Exit::NotFound if !has_hint => failure.with_hint("weir cluster leases"),
                _ => failure,
            }
        })?;
        let told = match (&self.node, self.wait.limit()) {
            (Some(node), Some(limit)) => wait::until_moved(client, told, node, limit).await?,
            _ => told,
        };
        out.show(&told, tables::lease_line)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use clap::error::ErrorKind;

    use weir_domain::Millis;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        command: Move,
    }

    fn parsed(words: &str) -> Result<Move, ErrorKind> {
        let words = ["move"].into_iter().chain(words.split(' '));
        Line::try_parse_from(words).map(|it| it.command).map_err(|it| it.kind())
    }

    #[test]
    fn a_move_is_waited_for_only_where_it_is_known_when_it_is_done() {
        let limit = |words| parsed(words).map(|it| it.wait.limit());
        assert_eq!(limit("lease node-2 --wait"), Ok(Some(Millis::seconds(300))));
        assert_eq!(limit("lease node-2 --wait --timeout 90s"), Ok(Some(Millis::seconds(90))));
        assert_eq!(limit("lease --anywhere"), Ok(None));
        assert_eq!(limit("lease --anywhere --wait"), Err(ErrorKind::ArgumentConflict));
        assert_eq!(limit("lease node-2 --anywhere"), Err(ErrorKind::ArgumentConflict));
        assert_eq!(limit("lease"), Err(ErrorKind::MissingRequiredArgument));
    }
}
