//! The schedule as tables.

use std::collections::BTreeMap;

use weir_domain::NodeName;
use weir_domain::schedule::Limit;
use weir_http_api::{
    RebalancePlan, SchedulePlan, ScheduleStanding, ScheduleView, ScheduledInstance,
    ScheduledWorkflow, ScheduledWorkflowDetail,
};

use super::instances;
use crate::cli::human::{self, age_of, plain};
use crate::cli::look::{Look, Tone};
use crate::cli::table::{self, Column, Rows, facts};

use Column::{Number, Text};

pub(super) fn schedule(it: &ScheduleView, look: &Look) -> String {
    let nodes = format!("\n{}", nodes(it, look));
    let gone: Vec<&NodeName> = it.drained.iter().filter(|node| !is_member(it, node)).collect();
    let gone = match gone.is_empty() {
        true => String::new(),
        false => format!("\ndrained, and no members now: {}\n", joined(&gone)),
    };
    workflows(it, look) + &nodes + &gone + &warnings(&it.warnings, look)
}

fn is_member(schedule: &ScheduleView, node: &NodeName) -> bool {
    schedule.nodes.iter().any(|it| it.name == *node)
}

fn workflows(schedule: &ScheduleView, look: &Look) -> String {
    let narrow = [
        Text("WORKFLOW"),
        Number("TARGET"),
        Number("PLACED"),
        Number("MISSING"),
        Number("WEIGHT"),
        Text("PER-NODE"),
        Text("WHY"),
    ];
    let wide = [Text("SET"), Text("RULES"), Text("STATES"), Text("NODES"), Number("REVISION")];
    let mut rows = Rows::new(look, &narrow, &wide);
    for it in &schedule.workflows {
        let ScheduleStanding { target, placed, missing, .. } = it.standing;
        let settings = &it.settings;
        rows.add(
            vec![
                table::text(it.workflow.as_str()),
                table::count(target),
                table::count(placed),
                table::bad_count(u64::from(missing), Tone::Bad),
                table::count(settings.weight.get()),
                table::text(&limit(&settings.default)),
                table::text(&reasons(&it.standing)),
            ],
            vec![
                table::text(&settings.target.map_or("-".to_owned(), |it| it.to_string())),
                table::text(&rules(it)),
                table::text(&states(it)),
                table::text(&counts(&it.nodes)),
                table::count(it.revision),
            ],
        );
    }
    rows.text()
}

fn nodes(schedule: &ScheduleView, look: &Look) -> String {
    let narrow = [
        Text("NODE"),
        Text("STATE"),
        Number("INSTANCES"),
        Number("LOAD"),
        Number("DEPLOYED"),
        Text("ROLES"),
    ];
    let mut rows = Rows::new(look, &narrow, &[Text("UID")]);
    for it in &schedule.nodes {
        rows.add(
            vec![
                table::text(it.name.as_str()),
                table::status(it.reach),
                table::count(it.instances),
                table::count(it.load),
                table::text(&it.deployed.map_or("-".to_owned(), |it| it.to_string())),
                table::text(&if it.roles.is_empty() { "-".into() } else { it.roles.join(", ") }),
            ],
            vec![table::text(&it.uid.to_string())],
        );
    }
    rows.text()
}

pub(super) fn workflow(it: &ScheduledWorkflowDetail, look: &Look) -> String {
    let ScheduledWorkflow { workflow, revision, settings, standing, .. } = &it.workflow;
    let mut lines = vec![
        ("workflow", workflow.to_string()),
        ("target", target(&it.workflow)),
        ("placed", placed(standing, look)),
        ("weight", settings.weight.to_string()),
        ("per node", limit(&settings.default)),
    ];
    for (node, it) in &settings.nodes {
        lines.push(("on node", format!("{node}: {}", limit(it))));
    }
    for (role, it) in &settings.roles {
        lines.push(("on role", format!("{}: {}", plain(role), limit(it))));
    }
    lines.push(("revision", revision.to_string()));
    lines.extend(whys(standing).map(|it| ("why", it)));
    facts(&lines) + "\n" + &single(it, look) + &warnings(&it.warnings, look)
}

fn target(it: &ScheduledWorkflow) -> String {
    let target = it.standing.target;
    match it.settings.target {
        Some(_) => target.to_string(),
        None if target > 0 => format!("{target}, as its deployment says"),
        None => "unset".to_owned(),
    }
}

fn placed(it: &ScheduleStanding, look: &Look) -> String {
    match it.missing {
        0 => instances(it.placed),
        missing => {
            format!(
                "{}, {}",
                instances(it.placed),
                look.paint(Tone::Bad, &format!("{missing} missing"))
            )
        }
    }
}

fn single(detail: &ScheduledWorkflowDetail, look: &Look) -> String {
    let narrow = [Text("INSTANCE"), Text("NODE"), Text("STATE"), Text("SINCE"), Number("RESTARTS")];
    let wide = [Text("NEXT-START"), Text("FAULT")];
    let mut rows = Rows::new(look, &narrow, &wide);
    for it in &detail.instances {
        let fault = it.fault.as_ref().map_or("", |it| it.message.as_str());
        let next = it.restart_at.map(|at| human::relative(look.now, at));
        rows.add(
            vec![
                table::text(&it.number.to_string()),
                table::text(it.node.as_str()),
                state(it),
                table::text(&age_of(look.now, it.since)),
                table::count(it.restarts),
            ],
            vec![table::text(next.as_deref().unwrap_or("-")), table::text(fault)],
        );
    }
    rows.text()
}

fn state(it: &ScheduledInstance) -> comfy_table::Cell {
    match it.state {
        Some(state) => table::status(state),
        None => table::text("? not said yet"),
    }
}

pub(super) fn why(it: &ScheduledWorkflowDetail, look: &Look) -> String {
    let narrow = [Text("INSTANCE"), Text("NODE"), Text("WHY")];
    let mut placed = Rows::new(look, &narrow, &[]);
    for it in &it.instances {
        let cells = [it.number.to_string(), it.node.to_string(), it.why.clone()];
        placed.add(cells.map(|it| table::text(&it)).into(), vec![]);
    }
    let narrow = [Text("NODE"), Number("HAS"), Number("LOAD"), Text("NEXT"), Text("WHY")];
    let mut nodes = Rows::new(look, &narrow, &[]);
    for it in &it.candidates {
        let passed = it.passed_over.as_ref().map(ToString::to_string);
        let next = it.rank.map(|it| format!("{it}.")).or(passed).unwrap_or_default();
        nodes.add(
            vec![
                table::text(it.node.as_str()),
                table::count(it.count),
                table::count(it.load),
                table::text(&next),
                table::text(&it.why),
            ],
            vec![],
        );
    }
    format!("{}\n{}{}", placed.text(), nodes.text(), warnings(&it.warnings, look))
}

pub(in crate::cli) fn plan(it: &SchedulePlan, look: &Look) -> String {
    let mut text = String::new();
    for it in &it.stops {
        let sign = look.paint(Tone::Bad, "-");
        text +=
            &format!("{sign} {}/{} on {}: {}\n", it.workflow, it.number, it.node, plain(&it.why));
    }
    for it in &it.starts {
        let sign = look.paint(Tone::Good, "+");
        text +=
            &format!("{sign} {}/{} on {}: {}\n", it.workflow, it.number, it.node, plain(&it.why));
    }
    if text.is_empty() {
        text += "nothing starts and nothing stops\n";
    }
    let narrow =
        [Text("WORKFLOW"), Number("TARGET"), Number("PLACED"), Number("MISSING"), Text("WHY")];
    let mut rows = Rows::new(look, &narrow, &[Text("NODES")]);
    for it in &it.workflows {
        let ScheduleStanding { target, placed, missing, .. } = it.standing;
        rows.add(
            vec![
                table::text(it.workflow.as_str()),
                table::count(target),
                table::count(placed),
                table::bad_count(u64::from(missing), Tone::Bad),
                table::text(&reasons(&it.standing)),
            ],
            vec![table::text(&counts(&it.nodes))],
        );
    }
    let revision = format!("\nrevision:  {}\n", it.revision);
    format!("{text}\n{}{}{revision}", rows.text(), warnings(&it.warnings, look))
}

pub(super) fn rebalance(it: &RebalancePlan, look: &Look) -> String {
    if it.moves.is_empty() {
        return format!("the loads are even\n\nrevision:  {}\n", it.revision);
    }
    let narrow = [Text("INSTANCE"), Text("FROM"), Number("LOAD"), Text("TO"), Number("LOAD")];
    let mut rows = Rows::new(look, &narrow, &[]);
    for it in &it.moves {
        rows.add(
            vec![
                table::text(&format!("{}/{}", it.workflow, it.number)),
                table::text(it.from.as_str()),
                table::count(it.from_load),
                table::text(it.to.as_str()),
                table::count(it.to_load),
            ],
            vec![],
        );
    }
    format!("{}\nrevision:  {}\n", rows.text(), it.revision)
}

pub(in crate::cli) fn warnings(warnings: &[String], look: &Look) -> String {
    let sign = look.paint(Tone::Warn, "!");
    let lines = warnings.iter().map(|it| format!("{sign} {}\n", plain(it))).collect::<String>();
    if lines.is_empty() { lines } else { format!("\n{lines}") }
}

/// `1..2`; an end without a bound is empty, and no rule at all is a dash.
fn limit(it: &Limit) -> String {
    if it.is_silent() {
        return "-".to_owned();
    }
    let min = it.min().map_or(String::new(), |it| it.to_string());
    let max = it.max().map_or(String::new(), |it| it.to_string());
    format!("{min}..{max}")
}

fn rules(it: &ScheduledWorkflow) -> String {
    let nodes = it.settings.nodes.iter().map(|(node, it)| format!("{node}={}", limit(it)));
    let roles = it.settings.roles.iter().map(|(role, it)| format!("role:{role}={}", limit(it)));
    dash(nodes.chain(roles).collect::<Vec<_>>().join(" "))
}

fn states(it: &ScheduledWorkflow) -> String {
    let states = it.states.iter().map(|(state, count)| format!("{state}={count}"));
    dash(states.collect::<Vec<_>>().join(" "))
}

fn counts(nodes: &BTreeMap<NodeName, u32>) -> String {
    let nodes = nodes.iter().map(|(node, count)| format!("{node}={count}"));
    dash(nodes.collect::<Vec<_>>().join(" "))
}

/// By what stops nodes, and how many of them.
pub(in crate::cli) fn reasons(it: &ScheduleStanding) -> String {
    let reasons = it.reasons.iter().map(|it| match it.nodes {
        0 => it.code.to_string(),
        nodes => format!("{} ×{nodes}", it.code),
    });
    reasons.collect::<Vec<_>>().join(", ")
}

/// The same in words.
pub(in crate::cli) fn whys(it: &ScheduleStanding) -> impl Iterator<Item = String> {
    it.reasons.iter().map(|it| match it.nodes {
        0 => plain(&it.detail),
        nodes => format!("{}: {}", human::plural(nodes as usize, "node"), plain(&it.detail)),
    })
}

fn dash(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}

fn joined(names: &[&NodeName]) -> String {
    names.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(", ")
}
