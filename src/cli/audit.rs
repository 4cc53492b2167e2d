//! `weir audit`: who did what, and whether somebody changed what stands there.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use weir_controllers::audit::{Broken, Verifier};
use weir_domain::{AuditHash, AuditHead, AuditOutcome, Timestamp, UserClaim, UserName};
use weir_http_api::{AuditEntryView, AuditHeadView, AuditQuery, AuditSeal, Page};
use weir_http_client::Client;

use super::exit::Reason;
use super::failure::Failure;
use super::files;
use super::human::age;
use super::listing::collected;
use super::look::Look;
use super::output::Output;
use super::table::{self, Column, Rows};
use super::user::refused;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List entries, newest first
    #[command(visible_alias = "ls")]
    List(List),
    /// Check that no entry was changed, and print the end of the chain
    Verify {
        /// A file that `weir audit export` wrote, instead of asking the server
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// The hash of a head that was kept: its entry must still be there
        #[arg(long, value_name = "HASH")]
        head: Option<AuditHash>,
    },
    /// Drop entries up to a number; what is left says where it begins. Export them before
    Seal {
        /// The last one to drop
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        through: u64,
    },
    /// Write all entries, oldest first, each as JSON on a line
    Export {
        /// A new file instead of standard output
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only what this user did
    #[arg(long, value_name = "USER")]
    user: Option<UserName>,
    /// Only what needed this claim
    #[arg(long, value_name = "CLAIM")]
    claim: Option<UserClaim>,
    /// Only what was done to objects with this text in their names
    #[arg(long, value_name = "TEXT")]
    object: Option<String>,
    /// Only from this moment on, as 2026-11-20T18:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only before this moment
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// Only what was not done
    #[arg(long)]
    refused: bool,
    /// Most entries to list
    #[arg(long, value_name = "N", default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
}

pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    serde_json::from_value(text.into())
        .map_err(|_| "write a moment as 2026-11-20T18:00:00Z".to_owned())
}

impl Verb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::List(args) => {
                let page = args.ask(client).await?;
                out.show(&page, list)?;
                if page.next_cursor.is_some() && out.terminal {
                    let count = page.items.len();
                    out.note(&format!("these are the last {count}; --limit N lists more"));
                }
            }
            Self::Verify { file, head } => {
                let mut check = Check { head, ..Check::default() };
                match file {
                    Some(file) => check.file(&file)?,
                    None => check.export(client).await?,
                }
                out.show(&check.finish()?, head_line)?;
                out.note("keep this elsewhere: later entries must continue from it");
            }
            Self::Seal { through } => {
                let sealed = client.audit_seal(&AuditSeal { through }).await;
                let sealed = sealed.map_err(|it| refused("can't seal the audit", it))?;
                out.show(&sealed, seal_line)?;
            }
            Self::Export { file } => export(client, file).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn ask(self, client: &Client) -> Result<Page<AuditEntryView>, Failure> {
        let of = |limit, cursor| AuditQuery {
            user: self.user.clone(),
            claim: self.claim,
            object: self.object.clone(),
            since: self.since,
            until: self.until,
            only_refused: self.refused.then_some(true),
            limit,
            cursor,
        };
        collected(Some(self.limit), async |limit, cursor| client.audit(&of(limit, cursor)).await)
            .await
            .map_err(|it| refused("can't list the audit", it))
    }
}

/// Checks what was exported, here and as it comes: the server can't say that all is well of what it
/// has changed itself, and an audit may be longer than the memory.
#[derive(Default)]
struct Check {
    verifier: Verifier,
    /// The hash to be found.
    head: Option<AuditHash>,
    is_found: bool,
    /// A line of which the end has not come yet.
    rest: Vec<u8>,
}

impl Check {
    fn file(&mut self, file: &Path) -> Result<(), Failure> {
        let unread =
            |it: std::io::Error| files::unread(format!("the export in {}", file.display()), &it);
        let mut reader = BufReader::new(File::open(file).map_err(unread)?);
        loop {
            let piece = reader.fill_buf().map_err(unread)?;
            let length = piece.len();
            if length == 0 {
                return Ok(());
            }
            self.piece(piece)?;
            reader.consume(length);
        }
    }

    async fn export(&mut self, client: &Client) -> Result<(), Failure> {
        let refuse = |it| refused("can't read the audit", it);
        let mut answer = client.audit_export().await.map_err(refuse)?;
        while let Some(piece) = client.next_piece(&mut answer).await.map_err(refuse)? {
            self.piece(&piece)?;
        }
        Ok(())
    }

    fn piece(&mut self, piece: &[u8]) -> Result<(), Failure> {
        for part in piece.split_inclusive(|it| *it == b'\n') {
            self.rest.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.rest);
                self.line(&line)?;
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Failure> {
        let text = String::from_utf8_lossy(line);
        let head = self.verifier.push_line(text.trim_end()).map_err(|it| broken(&it))?;
        self.is_found |= self.head == Some(head.hash);
        Ok(())
    }

    fn finish(mut self) -> Result<AuditHeadView, Failure> {
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            self.line(&rest)?;
        }
        if let Some(head) = self.head.filter(|_| !self.is_found) {
            let why =
                format!("no entry has the hash {head}: entries were replaced, cut off or sealed");
            return Err(Failure::new(Reason::AuditBroken, DISTRUST, why).with_hint(COMPARE));
        }
        let AuditHead { sequence, hash } = self.verifier.finish().map_err(|it| broken(&it))?;
        Ok(AuditHeadView { sequence, hash })
    }
}

const DISTRUST: &str = "the audit can't be trusted";
const COMPARE: &str = "compare it with an export that was kept";

fn broken(broken: &Broken) -> Failure {
    Failure::new(Reason::AuditBroken, DISTRUST, broken.to_string()).with_hint(COMPARE)
}

/// As it comes: an audit may be longer than the memory.
async fn export(client: &Client, file: Option<PathBuf>) -> Result<(), Failure> {
    let refuse = |it| refused("can't export the audit", it);
    let mut answer = client.audit_export().await.map_err(refuse)?;
    let name = file.as_ref().map_or("standard output".to_owned(), |it| it.display().to_string());
    let unwritten = |it: std::io::Error| files::unwritten(&name, &it);
    let mut writer: Box<dyn std::io::Write> = match &file {
        Some(file) => Box::new(File::create_new(file).map_err(unwritten)?),
        None => Box::new(std::io::stdout()),
    };
    while let Some(piece) = client.next_piece(&mut answer).await.map_err(refuse)? {
        writer.write_all(&piece).map_err(unwritten)?;
    }
    writer.flush().map_err(unwritten)
}

fn outcome(outcome: &AuditOutcome) -> String {
    match outcome {
        AuditOutcome::Done => "done".to_owned(),
        AuditOutcome::Refused(_) => "refused".to_owned(),
        AuditOutcome::Unknown(_) => "unknown".to_owned(),
    }
}

fn why(outcome: &AuditOutcome) -> &str {
    match outcome {
        AuditOutcome::Done => "",
        AuditOutcome::Refused(why) | AuditOutcome::Unknown(why) => why,
    }
}

fn list(page: &Page<AuditEntryView>, look: &Look) -> String {
    use Column::{Number, Text};
    let narrow = [
        Number("ENTRY"),
        Text("AGE"),
        Text("USER"),
        Text("ACTION"),
        Text("OBJECT"),
        Text("OUTCOME"),
    ];
    let wide = [Text("FROM"), Text("CLAIM"), Text("REQUEST"), Text("WHY")];
    let mut rows = Rows::new(look, &narrow, &wide);
    for AuditEntryView(entry) in &page.items {
        let it = &entry.action;
        rows.add(
            vec![
                table::text(&entry.sequence.to_string()),
                table::text(&age(look.now, it.at)),
                table::text(it.user.as_ref().map_or("-", UserName::as_str)),
                table::text(&it.action),
                table::text(&it.object),
                table::text(&outcome(&it.outcome)),
            ],
            vec![
                table::text(&it.from),
                table::text(it.claim.map_or("-", UserClaim::as_str)),
                table::text(&it.request.to_string()),
                table::text(why(&it.outcome)),
            ],
        );
    }
    rows.text()
}

fn head_line(it: &AuditHeadView, _: &Look) -> String {
    match it.sequence {
        0 => "there are no entries yet\n".to_owned(),
        n => format!("nothing was changed up to entry {n}, {}\n", it.hash),
    }
}

fn seal_line(it: &AuditHeadView, _: &Look) -> String {
    format!("sealed by entry {}, {}\n", it.sequence, it.hash)
}

#[cfg(test)]
mod tests {
    use crate::cli::exit::Exit;
    use weir_domain::{AuditAction, AuditEntry, AuditHash, CommandId, KeyFingerprint};

    use super::*;
    use crate::cli::samples::{LOOK, WIDE, ago};

    fn entry(sequence: u64, outcome: AuditOutcome) -> AuditEntryView {
        let request = "01970000-0000-7000-8000-000000000001".parse::<CommandId>();
        AuditEntryView(AuditEntry {
            form: 1,
            sequence,
            previous: AuditHash::NONE,
            action: AuditAction {
                at: ago(60),
                user: Some("ada".parse().expect("a name")),
                claim: Some(UserClaim::KeyWrite),
                action: "key rotate".into(),
                object: "key/DefaultKey".into(),
                before: None,
                after: None,
                outcome,
                from: "10.0.0.7:4711".into(),
                request: request.expect("an id"),
            },
            hash: AuditHash(KeyFingerprint([18; 32])),
        })
    }

    #[test]
    fn a_list_of_entries() {
        let refused = AuditOutcome::Refused("it is the current key".into());
        let page = Page::whole([entry(12, refused), entry(9, AuditOutcome::Done)]);
        assert_eq!(
            list(&page, &LOOK),
            "\
ENTRY  AGE  USER  ACTION      OBJECT          OUTCOME
   12  1m   ada   key rotate  key/DefaultKey  refused
    9  1m   ada   key rotate  key/DefaultKey  done
"
        );
        assert!(list(&page, &WIDE).contains("10.0.0.7:4711  key:write"));
        assert!(list(&page, &WIDE).contains("000000000001  it is the current key\n"));
    }

    #[test]
    fn an_export_is_checked_however_it_is_cut_and_a_head_is_looked_for() {
        let golden = include_str!("../../schemas/events/audit.entry.v1.json");
        let entry: AuditEntry = serde_json::from_str(golden).expect("an entry");
        let line = serde_json::to_string(&entry).expect("a line");
        let check = |text: &str, head| {
            let mut check = Check { head, ..Check::default() };
            text.as_bytes().chunks(7).try_for_each(|it| check.piece(it))?;
            check.finish()
        };
        let good = AuditHeadView { sequence: 1, hash: entry.hash };
        for text in [line.clone(), format!("{line}\n")] {
            assert_eq!(check(&text, Some(entry.hash)).expect("it is good"), good);
        }
        let other = check(&line, Some(AuditHash::NONE)).expect_err("there is no such entry");
        assert_eq!(other.exit, Exit::Invalid);
        let changed = check(&line.replace("ada", "eve"), None).expect_err("it was changed");
        assert!(format!("{changed:?}").contains("entry 1 was changed"), "{changed:?}");
    }

    #[test]
    fn the_end_of_the_chain() {
        let head = |sequence| AuditHeadView { sequence, hash: AuditHash(KeyFingerprint([18; 32])) };
        assert_eq!(head_line(&head(0), &LOOK), "there are no entries yet\n");
        let text = format!("nothing was changed up to entry 9, {}\n", "12".repeat(32));
        assert_eq!(head_line(&head(9), &LOOK), text);
    }
}
