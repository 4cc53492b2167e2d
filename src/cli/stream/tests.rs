use super::*;
use crate::cli::output::{json, yaml};
use crate::cli::samples::{self, LOOK, WIDE};

fn shown() -> Shown {
    Shown { stream: samples::stream_detail(), log: Some(samples::log()) }
}

#[test]
fn a_list_of_streams() {
    let page = Page::whole([samples::stream(), samples::stream_detail().summary]);
    assert_eq!(
        list(&page, &LOOK),
        "\
ID                                    WORKFLOW  ITEM            STATE                          IN     OUT  DEAD  AGE
0197a8b0-5b5e-7c3e-9d4f-0123456789ab  flights   in/2001-01.csv  ✓ committed with warnings  231.0k  231.0k    13  1m
0197a8b0-5b5e-7c3e-9d4f-0123456789ab  flights   in/2001-01.csv  ↻ retrying                 231.0k  231.0k    13  1m
"
    );
    let wide = list(&page, &WIDE);
    assert!(
        wide.contains("one          1         2  15.0 MiB    4.1 MiB        0  4.0s\n"),
        "{wide}"
    );
    assert!(wide.contains("1m15s  out/late.jsonl can't be written"), "{wide}");
}

#[test]
fn an_empty_list_still_has_its_header() {
    let page = Page::whole(Vec::<StreamSummary>::new());
    assert_eq!(list(&page, &LOOK), "ID  WORKFLOW  ITEM  STATE  IN  OUT  DEAD  AGE\n");
}

#[test]
fn a_name_from_outside_stays_in_its_cell() {
    let stream = StreamSummary { item: "in/\x1b[2Ja\nb.csv".into(), ..samples::stream() };
    let text = list(&Page::whole([stream]), &LOOK);
    assert_eq!(text.lines().count(), 2);
    assert!(text.contains("in/·[2Ja·b.csv"), "{text:?}");
}

#[test]
fn one_stream_with_its_log() {
    assert_eq!(
        show(&shown(), &LOOK),
        "\
id:         0197a8b0-5b5e-7c3e-9d4f-0123456789ab
workflow:   flights
item:       in/2001-01.csv
state:      ↻ retrying
node:       one, instance 1
attempts:   2
opened:     2023-11-14T22:12:05.000Z (1m ago)
took:       1m15s
records:    231083 in, 231070 out, 0 dropped, 13 dead, 0 ignored
bytes:      15.0 MiB in, 4.1 MiB out
why:        out/late.jsonl can't be written: no space left on device
hint:       free some space below out
code:       WEIR-04007
published:  out/late/2001-01.jsonl
published:  out/all/2001-01.parquet

STAGE      IN     OUT  DROPPED  DEAD  IGNORED
late        0       0        0     0        0
read   231.0k  231.0k        0    13        0

2023-11-14T22:12:05.000Z  WEIR-03010  begun
2023-11-14T22:12:08.000Z  WEIR-03010  13 records went to the dead letters
"
    );
}

#[test]
fn json_and_yaml_have_the_fields_of_the_api() {
    let json = json(&shown()).expect("json");
    let value: serde_json::Value = serde_json::from_str(&json).expect("json");
    assert_eq!(value["state"], "retrying");
    assert_eq!(value["counts"]["recordsIn"], 231_083);
    assert_eq!(value["log"][1]["severity"], "warning");
    let yaml = yaml(&shown()).expect("yaml");
    assert!(yaml.contains("\nstate: retrying\n"), "{yaml}");
    assert!(yaml.contains("openedAt:"), "{yaml}");
}
