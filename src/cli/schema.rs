//! `weir schema`: the JSON Schemas of project files, for editors; and formats found in samples.

mod infer;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use weir_stream::Registry;

use super::args::Global;
use super::failure::Failure;
use super::files;
use super::output::{Output, json};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Write one file per kind of asset here; without it, all go to stdout as one JSON object
    dir: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Make a Format asset of what a sample looks like, or what comes from a source of a workflow
    Infer(Box<infer::Args>),
}

impl Args {
    pub(crate) fn run(
        self,
        global: &Global,
        out: &Output,
        registry: &Registry,
    ) -> Result<ExitCode, Failure> {
        if let Some(Verb::Infer(args)) = self.verb {
            return args.run(global, out);
        }
        let schemas = weir_project::json_schemas(registry);
        match self.dir {
            None => out.print(&json(&schemas)?)?,
            Some(dir) => {
                for (file, schema) in &schemas {
                    write(&dir.join(file), &json(schema)?)?;
                    out.note(&format!("wrote {}", dir.join(file).display()));
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(path, text))
        .map_err(|it| files::unwritten(path.display(), &it))
}
