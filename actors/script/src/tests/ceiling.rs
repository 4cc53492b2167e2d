//! What whoever runs scripts of others lets them take.

use weir_domain::{Bytes, Millis};

use super::*;
use crate::{Ceiling, JavaScriptWithin};

const MOST: Ceiling =
    Ceiling { time: Millis(50), memory: Bytes(8 << 20), loading: None, key: "some.key" };

fn found(kind: &JavaScriptWithin, config: &Value) -> Vec<String> {
    let input = orders(&["a"]).records.schema();
    let found = kind.check(config, Some(&input)).findings;
    found.iter().map(|it| format!("{}: {}", it.cause, it.fix)).collect()
}

fn greedy(body: &str) -> Value {
    json!({ "script": body, "limits": { "time": "1h", "memory": "64GiB" } })
}

const LOOP: &str = "export function onMessage() {}; while (true);";
const HOARD: &str = "export function onMessage() {}; const a = []; for (;;) a.push({ a });";

#[test]
fn a_script_gets_no_more_than_the_ceiling_whatever_it_asks_for() {
    let kind = JavaScriptWithin::new(MOST);
    assert_eq!(
        found(&kind, &greedy(LOOP)),
        [
            "the script takes more than 50ms before any of its functions: look for a loop that does not end"
        ]
    );
    let patient = JavaScriptWithin::new(Ceiling { time: Millis::seconds(60), ..MOST });
    assert_eq!(
        found(&patient, &greedy(HOARD)),
        [
            "the script needs more than 8MiB before any of its functions: make less at the top of it, or \
          no script gets more here: some.key.script-memory says so"
        ]
    );
    let check = |body: &str, ceiling: Ceiling, hint: &str| {
        let config = greedy(&format!("export function onMessage(row) {{ {body} }}"));
        let kind = JavaScriptWithin::new(ceiling);
        let batch = orders(&["a"]);
        let input = batch.records.schema();
        assert!(found(&kind, &config).is_empty());
        let mut built = kind.build(&config, &input, &context(&Shelf::default())).unwrap().operator;
        built.start(&opening()).unwrap();
        let fault = built.process(batch, &mut Outputs::default()).unwrap_err();
        assert!(fault.hint.as_deref().unwrap().ends_with(hint), "{fault:?}");
    };
    check("while (true);", MOST, "no script gets more here: some.key.script-time says so");
    let slow = Ceiling { time: Millis::seconds(60), ..MOST };
    check("const a = []; for (;;) a.push({ a });", slow, "some.key.script-memory says so");
    let modest = json!({ "script": LOOP, "limits": { "time": "20ms" } });
    assert!(found(&kind, &modest)[0].contains("20ms"), "its own limit, where that is less");
}

#[test]
fn what_scripts_take_to_load_is_counted_together() {
    let kind = JavaScriptWithin::new(Ceiling { loading: Some(Millis(60)), ..MOST });
    assert!(found(&kind, &greedy(LOOP))[0].contains("before any of its functions"));
    // Each takes what is left of the time.
    (0..3).for_each(|_| drop(found(&kind, &greedy(LOOP))));
    assert_eq!(
        found(&kind, &greedy("export function onMessage() {}")),
        [
            "it is not looked at: the scripts before it took more than 60ms to load: make less at the top of \
          them; together they get no more here: some.key.script-loading says so"
        ]
    );
    let next = JavaScriptWithin::new(Ceiling { loading: Some(Millis::seconds(60)), ..MOST });
    assert!(found(&next, &greedy("export function onMessage() {}")).is_empty());
}
