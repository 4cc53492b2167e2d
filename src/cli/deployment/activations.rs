//! What nodes should run, what they run, and why.

use weir_http_api::ActivationView;

use crate::cli::human::{age, age_of, plain};
use crate::cli::look::Look;
use crate::cli::table::{self, Column, Rows};

use Column::Text;

pub(super) fn list(items: &[ActivationView], look: &Look) -> String {
    let narrow = ["NODE", "STATE", "SHOULD-RUN", "RUNS", "SINCE", "WHY"].map(Text);
    let mut rows = Rows::new(look, &narrow, &[Text("ROLES"), Text("FAILURE")]);
    for it in items {
        let failure = it.failure.as_ref().map_or("-", |it| &it.cause.message);
        rows.add(
            vec![
                table::text(it.node.as_str()),
                table::status(it.state),
                table::text(it.target.as_str()),
                table::text(it.current.as_ref().map_or("-", |it| it.as_str())),
                table::text(&age_of(look.now, it.current_since)),
                table::text(&it.why.text),
            ],
            vec![table::text(&roles(it)), table::text(failure)],
        );
    }
    rows.text()
}

pub(super) fn why(it: &ActivationView, look: &Look) -> String {
    let since = |then| format!("since {}", age(look.now, then));
    let mut facts = vec![
        ("node", it.node.to_string()),
        ("roles", plain(&roles(it))),
        ("should run", format!("{}, {}", it.target, since(it.target_since))),
        ("because", plain(&it.why.text)),
        (
            "runs",
            match (&it.current, it.current_since) {
                (Some(tag), Some(then)) => format!("{tag}, {}", since(then)),
                (Some(tag), None) => tag.to_string(),
                (None, _) => "nothing that it told".to_owned(),
            },
        ),
        ("state", look.paint_status(it.state)),
    ];
    if let Some(failure) = &it.failure {
        let cause = &failure.cause;
        let what = format!("{} {}: {}", cause.code, failure.target, plain(&cause.message));
        facts.push(("failure", what));
        facts.extend(cause.hint.iter().map(|it| ("hint", plain(it))));
    }
    table::facts(&facts)
}

fn roles(it: &ActivationView) -> String {
    if it.roles.is_empty() { "-".to_owned() } else { it.roles.join(",") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples::{self, LOOK};

    #[test]
    fn nodes_are_listed_with_what_they_should_run_and_why() {
        assert_eq!(
            list(&samples::activations(), &LOOK),
            "\
NODE    STATE        SHOULD-RUN  RUNS       SINCE  WHY
node-1  ✓ active     flights-2   flights-2  1m     no rule fits: it is the default
node-2  ✗ failed     flights-2   flights-1  2h     role rule 1 fits: the node has role edge
node-3  ● switching  flights-2   -          -      it takes part in the canary
"
        );
    }

    #[test]
    fn a_node_says_why_it_runs_what_it_runs() {
        let [_, failed, _] = samples::activations().try_into().expect("three nodes");
        assert_eq!(
            why(&failed, &LOOK),
            "\
node:        node-2
roles:       edge
should run:  flights-2, since 1m
because:     role rule 1 fits: the node has role edge
runs:        flights-1, since 2h
state:       ✗ failed
failure:     WEIR-04007 flights-2: out/late.jsonl can't be written: no space left on device
hint:        free some space below out
"
        );
    }
}
