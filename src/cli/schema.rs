//! `weir schema`: the JSON Schemas of project files, for editors.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use weir_stream::Registry;

use super::failure::Failure;
use super::files;
use super::output::{Output, json};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write one file per kind of asset here; without it, all go to stdout as one JSON object
    dir: Option<PathBuf>,
}

impl Args {
    pub(crate) fn run(self, out: &Output, registry: &Registry) -> Result<ExitCode, Failure> {
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
