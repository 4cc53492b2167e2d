//! Changes of the schedule in a file, as YAML or JSON.

use std::io::Read as _;
use std::path::Path;

use serde::de::DeserializeOwned;
use weir_domain::Misread;
use weir_http_api::{ScheduleApply, SchedulePreview};

use crate::cli::exit::Reason;
use crate::cli::failure::Failure;
use crate::cli::files;

const STDIN: &str = "-";

pub(super) fn preview(file: &Path) -> Result<SchedulePreview, Failure> {
    read(file)
}

pub(super) fn apply(file: &Path) -> Result<ScheduleApply, Failure> {
    let draft: ScheduleApply = read(file)?;
    match draft.workflows.is_empty() {
        true => {
            let failure = Failure::new(Reason::Unusable, CAN_NOT, "it changes no workflow");
            Err(failure.with_hint(HINT))
        }
        false => Ok(draft),
    }
}

const CAN_NOT: &str = "can't use the changes";
const HINT: &str = "write, say, {workflows: {flights: {target: 12, nodes: {node-1: {max: 1}}}}}";

fn read<T: DeserializeOwned>(file: &Path) -> Result<T, Failure> {
    let (name, text) = match file.to_str() {
        Some(STDIN) => ("standard input".to_owned(), stdin()?),
        _ => (file.display().to_string(), files::text("the changes", file)?),
    };
    parsed(&name, &text)
}

fn stdin() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text);
    read.map_err(|it| files::unread("the changes from standard input", &it))?;
    Ok(text)
}

fn parsed<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Failure> {
    let document = weir_conf::yaml::parse(name, text);
    let document = document.map_err(|it| Failure::of_findings(CAN_NOT, it))?;
    let draft = serde_path_to_error::deserialize(document.root.to_json());
    draft.map_err(|it| {
        let (place, cause) = (it.path().to_string(), Misread::of(&it.inner().to_string()));
        let why = if place == "." { cause.line() } else { format!("{place}: {}", cause.line()) };
        Failure::new(Reason::Unusable, format!("{CAN_NOT} of {name}"), why).with_hint(HINT)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::LOOK;

    #[test]
    fn json_and_yaml_say_the_same() {
        let yaml = "workflows:\n  w:\n    target: 12\n    default: {max: unlimited}\ndrain: [n1]\n";
        let json =
            r#"{"workflows":{"w":{"target":12,"default":{"max":"unlimited"}}},"drain":["n1"]}"#;
        let read = |text| parsed::<SchedulePreview>("a file", text).expect("a draft");
        assert_eq!(read(yaml), read(json));
        assert_eq!(read("drain: [n1]").drain.len(), 1);
    }

    #[test]
    fn what_is_no_draft_is_refused_with_an_example() {
        for text in
            ["workflows: {w: {tarket: 1}}", "workflows: {w: {default: {min: 3, max: 2}}}", "[]"]
        {
            let failure = parsed::<ScheduleApply>("a.yaml", text).expect_err(text);
            let shown = failure.text(&LOOK);
            assert!(shown.contains("of a.yaml") && shown.contains("hint:  write, say"), "{shown}");
        }
        let broken = parsed::<ScheduleApply>("a.yaml", "workflows: {").expect_err("no YAML");
        assert!(broken.text(&LOOK).contains("a.yaml:"), "{}", broken.text(&LOOK));
    }
}
