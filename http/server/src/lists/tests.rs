use serde_json::json;

use super::*;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Ship {
    name: &'static str,
    tons: u64,
    ports: Vec<&'static str>,
    sunk_at: Option<&'static str>,
    captain: Value,
}

impl Listed for Ship {
    const LIST: &'static str = "ships";
    const FIELDS: &'static [&'static str] = &["name", "tons", "ports", "sunkAt", "captain.name"];
    const ORDER: &'static [&'static str] = &["name"];

    fn leads(&self) -> bool {
        self.name == "vasa"
    }
}

fn ships() -> Vec<Ship> {
    let ship = |name, tons, ports: &[&'static str], sunk_at, captain: &str| Ship {
        name,
        tons,
        ports: ports.to_vec(),
        sunk_at,
        captain: json!({ "name": captain }),
    };
    vec![
        ship("vasa", 1_210, &["Stockholm"], Some("1628-08-10"), "Söfring Hansson"),
        ship("amsterdam", 700, &[], Some("1749-01-26"), "Willem Klump"),
        ship("beagle", 235, &["Plymouth", "Bahia"], None, "FitzRoy"),
        ship("endeavour", 235, &["Plymouth"], Some("1778-08-05"), ""),
    ]
}

fn query(sort: Option<&str>, filter: Option<&str>, limit: Option<u32>) -> ListQuery {
    let (sort, filter) = (sort.map(str::to_owned), filter.map(str::to_owned));
    ListQuery { sort, filter, limit, cursor: None }
}

fn asked(all: Vec<Ship>, query: ListQuery) -> Result<Page<Ship>, Error> {
    page::<Ship>(all, query)
}

fn names(page: &Page<Ship>) -> String {
    page.items.iter().map(|it| it.name).collect::<Vec<_>>().join(" ")
}

#[test]
fn who_asks_for_nothing_gets_everything_and_who_asks_for_an_order_gets_that() {
    assert_eq!(asked(ships(), ListQuery::default()).unwrap(), Page::whole(ships()));
    for (sort, wanted) in [
        ("name", "amsterdam beagle endeavour vasa"),
        ("-name", "vasa endeavour beagle amsterdam"),
        ("tons", "beagle endeavour amsterdam vasa"),
        ("tons,-name", "endeavour beagle amsterdam vasa"),
        ("-tons", "vasa amsterdam beagle endeavour"),
        ("sunkAt", "beagle vasa amsterdam endeavour"),
        ("-captain.name", "amsterdam vasa beagle endeavour"),
        ("-ports", "vasa beagle endeavour amsterdam"),
    ] {
        let page = asked(ships(), query(Some(sort), None, None)).unwrap();
        assert_eq!(names(&page), wanted, "{sort}");
    }
}

#[test]
fn a_filter_takes_what_all_of_its_terms_hold_for() {
    for (filter, wanted) in [
        ("", "vasa amsterdam beagle endeavour"),
        ("name:vasa", "vasa"),
        ("name:vas", ""),
        ("name~*a*a", "vasa"),
        ("ports:Plymouth", "beagle endeavour"),
        ("ports:Plymouth ports~B*", "beagle"),
        ("tons>235", "vasa amsterdam"),
        ("tons<700 sunkAt<1800", "endeavour"),
        ("tons>heavy", ""),
        ("sunkAt:", "beagle"),
        ("ports:\"\"", "amsterdam"),
        ("captain.name:\"Willem Klump\"", "amsterdam"),
        ("HANSSON", "vasa"),
        ("  plym   roy ", "beagle"),
        ("\"m k\"", "amsterdam"),
        ("\"a:b\"", ""),
    ] {
        let mut of_filter = query(None, Some(filter), None);
        of_filter.limit = Some(500);
        assert_eq!(names(&asked(ships(), of_filter).unwrap()), wanted, "{filter}");
    }
}

#[test]
fn pages_hide_and_repeat_nothing_while_elements_come_and_go() {
    for sort in [None, Some("tons"), Some("-sunkAt")] {
        let whole = asked(ships(), query(sort, Some("a"), None)).unwrap();
        let (mut seen, mut asking) = (Vec::new(), query(sort, Some("a"), Some(1)));
        let mut all = ships();
        loop {
            let page = asked(all.clone(), asking.clone()).unwrap();
            assert_eq!(page.items.len(), 1);
            // What was seen last goes, and the next one is found all the same.
            all.retain(|it| it.name != page.items[0].name);
            seen.extend(page.items);
            let Some(next) = page.next_cursor else { break };
            asking.cursor = Some(next.to_string().parse().unwrap());
        }
        assert_eq!(seen, whole.items, "{sort:?}");
    }
}

#[test]
fn what_no_list_has_is_refused_with_its_place() {
    let refused = |query| match asked(ships(), query) {
        Err(Error::Invalid { pointer, reason }) => format!("{pointer}: {reason}"),
        other => panic!("{other:?}"),
    };
    let of_ships = "It has name, tons, ports, sunkAt, captain.name";
    for (sort, filter, limit, wanted) in [
        (
            Some("tonnes"),
            None,
            None,
            format!(
                "query/sort: \"tonnes\" is no field of this list: did you mean tons? {of_ships}"
            ),
        ),
        (Some(""), None, None, format!("query/sort: \"\" is no field of this list. {of_ships}")),
        (Some("tons,-tons"), None, None, "query/sort: tons is named twice".into()),
        (
            None,
            Some("colour:red"),
            None,
            format!("query/filter: \"colour\" is no field of this list. {of_ships}"),
        ),
        (None, None, Some(0), "query/limit: 0 is not between 1 and 500".into()),
        (None, None, Some(501), "query/limit: 501 is not between 1 and 500".into()),
    ] {
        assert_eq!(refused(query(sort, filter, limit)), wanted);
    }
    assert!(refused(query(None, Some(&"x ".repeat(17)), None)).contains("more than 16 terms"));
    assert!(refused(query(None, Some(&"x".repeat(1_025)), None)).contains("1024 bytes"));
    let first = asked(ships(), query(Some("tons"), None, Some(1))).unwrap();
    let mut other = query(Some("-tons"), None, Some(1));
    other.cursor = first.next_cursor;
    assert!(refused(other.clone()).starts_with("query/cursor: this cursor was given for another"));
    other.cursor = Some(Cursor::before_entry(3));
    assert!(refused(other).starts_with("query/cursor: this is no cursor of this list"));
}

#[test]
fn a_cursor_that_somebody_made_up_breaks_nothing() {
    for values in [json!([]), json!([null, {}]), json!([true, [[[]]], "x", 1, 2, 3])] {
        let values = values.as_array().unwrap().clone();
        let row = Row { list: "ships".into(), order: String::new(), values };
        let made_up = ListQuery { cursor: Some(Cursor::after_row(row)), ..ListQuery::default() };
        asked(ships(), made_up).unwrap();
    }
}
