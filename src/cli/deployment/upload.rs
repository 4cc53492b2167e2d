//! Uploading a package: the cluster says which objects it lacks, and those are sent.

use std::collections::BTreeSet;
use std::path::PathBuf;

use bytes::Bytes;
use weir_domain::DeploymentTag;
use weir_http_api::{UploadQuery, UploadView};
use weir_http_client::Client;

use super::change::ChangeArgs;
use super::inspect::prove;
use super::refused;
use crate::cli::failure::Failure;
use crate::cli::human::{self, plural};
use crate::cli::look::{Look, Tone};
use crate::cli::output::Output;
use crate::delivery;

/// A description up to this stands in the address: servers of the version before take it nowhere else.
const IN_ADDRESS_BYTES_MAX: usize = 1 << 10;

#[derive(Debug, clap::Args)]
pub(crate) struct Upload {
    /// A file that `weir build` wrote
    file: PathBuf,
    /// Instead of the tag in the package
    #[arg(long)]
    tag: Option<DeploymentTag>,
    /// Instead of the description in the package
    #[arg(long, value_name = "TEXT", value_parser = description)]
    description: Option<String>,
    /// The deployment that it is based on; without it, DeploymentRoot
    #[arg(long, value_name = "TAG")]
    base: Option<DeploymentTag>,
    #[command(flatten)]
    change: ChangeArgs,
}

fn description(text: &str) -> Result<String, String> {
    const MAX: usize = UploadQuery::DESCRIPTION_BYTES_MAX;
    match text.len() <= MAX {
        true => Ok(text.to_owned()),
        false => {
            Err(format!("a description has at most {MAX} bytes, and this one has {}", text.len()))
        }
    }
}

impl Upload {
    pub(super) async fn run(self, client: &Client, out: &Output) -> Result<(), Failure> {
        let Self { file, tag, description, base, change } = self;
        let proven = prove(&file)?;
        let what = || format!("can't upload {}", file.display());
        let (client, options) = (change.client(client), change.options());
        let (description, before) = placed(description);
        let description_bytes = (!before.is_empty()).then_some(before.len() as u32);
        let dry = UploadQuery { tag, description, description_bytes, base, dry_run: true };
        let head = delivery::behind(&before, delivery::head(&file, &proven));
        let looked = client.deployment_upload(&dry, head, &options).await;
        // A repeated one is refused here, and known by its key below.
        let missing = match looked {
            Ok(looked) if change.dry_run => return out.show(&looked, shown),
            Ok(looked) => looked.missing.into_iter().collect(),
            Err(_) if change.once.is_given() && !change.dry_run => BTreeSet::new(),
            Err(error) => return Err(refused(what(), error)),
        };
        let query = UploadQuery { dry_run: false, ..dry };
        let package = delivery::behind(&before, delivery::partial(&file, &proven, &missing));
        let sent = client.deployment_upload(&query, package, &options).await;
        out.show(&sent.map_err(|it| refused(what(), it))?, shown)
    }
}

/// The description where it stands in the address, and where it stands before the package.
fn placed(description: Option<String>) -> (Option<String>, Bytes) {
    match description {
        Some(text) if text.len() > IN_ADDRESS_BYTES_MAX => (None, Bytes::from(text)),
        short => (short, Bytes::new()),
    }
}

fn shown(it: &UploadView, look: &Look) -> String {
    let count = |it: u64| plural(usize::try_from(it).unwrap_or(usize::MAX), "object");
    let total = format!("{}, {}", count(it.total.objects), human::bytes(it.total.bytes));
    let what = format!("{} on {}, digest {:.12}", it.tag, it.base, it.digest);
    if it.dry_run {
        let head = format!("dry run: nothing is stored; at revision {}:", it.revision);
        let head = look.paint(Tone::Busy, &head);
        let missing = count(it.missing.len() as u64);
        return format!("{head}\n{what}: {total}; {missing} to send\n");
    }
    let saved = it.total.bytes.saturating_sub(it.stored.bytes);
    format!(
        "{what}: {total}; new {}, {}; {} saved\nrevision {}\n",
        count(it.stored.objects),
        human::bytes(it.stored.bytes),
        human::bytes(saved),
        it.revision
    )
}

#[cfg(test)]
mod tests {
    use weir_domain::Digest;
    use weir_http_api::ObjectCountView;

    use super::*;
    use crate::cli::samples::LOOK;

    fn view() -> UploadView {
        UploadView {
            dry_run: false,
            revision: 3,
            tag: "flights-2".parse().expect("a tag"),
            base: "DeploymentRoot".parse().expect("a tag"),
            digest: Digest::from_bytes([7; 32]),
            signer: String::new(),
            missing: vec![Digest::from_bytes([8; 32])],
            stored: ObjectCountView { objects: 1, bytes: 512 },
            total: ObjectCountView { objects: 9, bytes: 4_096 },
        }
    }

    #[test]
    fn an_upload_says_what_it_saved() {
        assert_eq!(
            shown(&view(), &LOOK),
            "flights-2 on DeploymentRoot, digest 070707070707: 9 objects, 4.0 KiB; \
             new 1 object, 512 B; 3.5 KiB saved\nrevision 3\n"
        );
        assert_eq!(
            shown(&UploadView { dry_run: true, ..view() }, &LOOK),
            "dry run: nothing is stored; at revision 3:\n\
             flights-2 on DeploymentRoot, digest 070707070707: 9 objects, 4.0 KiB; 1 object to send\n"
        );
    }

    #[test]
    fn a_description_that_any_server_takes_in_the_address_stands_there() {
        let of = |length: usize| Some("x".repeat(length));
        assert_eq!(placed(None), (None, Bytes::new()));
        for short in [0, 1, 1_024] {
            assert_eq!(placed(of(short)), (of(short), Bytes::new()));
        }
        assert_eq!(placed(of(1_025)), (None, Bytes::from("x".repeat(1_025))));
    }
}
