//! Alarms: listing them, and saying that somebody has seen them.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use axum::{Extension, Json};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_controllers::alarms::{
    AlarmCounts, AlarmPlace, Asked, BySeverity, Confirmed, IDS_MAX, Unjudged, Wanted, Which,
};
use weir_domain::{AlarmId, AlarmSeverity, Timestamp, UserClaim, did_you_mean};
use weir_http_api::{
    AlarmCountsView, AlarmView, AlarmsConfirm, AlarmsConfirmed, AlarmsQuery, AlarmsView,
    AlarmsWanted, BySeverityView, Cursor, Problem, Row, UnjudgedView,
};

use crate::error::Error;
use crate::extract::{Body, Fields, Part};
use crate::guard::{Caller, Trail, command, read};
use crate::idempotency::{Key, Once};
use crate::paging;
use crate::storages::Stored;

/// What cursors of the list are known by.
const LIST: &str = "alarms";
/// Ids that an entry of the audit has room for.
const NOTED_MAX: usize = 500;

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::default()
        .routes(read(UserClaim::AlarmRead, routes!(list)))
        .routes(read(UserClaim::AlarmRead, routes!(show)))
        .routes(command(UserClaim::AlarmConfirm, "alarm confirm", routes!(confirm)))
}

/// Alarms of the cluster: those that stand, or those that have ended, which are kept for a while.
#[utoipa::path(get, path = "/alarms", tag = "alarms", operation_id = "listAlarms",
    params(AlarmsQuery),
    responses(
        (status = 200, description = "One page of alarms, with how many there are", body = AlarmsView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(
    Extension(storages): Stored,
    Fields(query): Fields<AlarmsQuery>,
) -> Result<Json<AlarmsView>, Error> {
    let wanted = query.state.unwrap_or_default();
    let (page, looked_at, unjudged) = storages.alarms.list(asked(query, wanted)?).await?;
    let last = page.alarms.last().filter(|_| page.has_more).map(AlarmPlace::of);
    Ok(Json(AlarmsView {
        items: page.alarms.into_iter().map(Into::into).collect(),
        next_cursor: last.map(|it| Cursor::after_row(row(it, wanted))),
        counts: counts(page.counts),
        looked_at,
        unjudged: unjudged.into_iter().map(view).collect(),
    }))
}

/// One alarm.
#[utoipa::path(get, path = "/alarms/{id}", tag = "alarms", operation_id = "showAlarm",
    params(("id" = String, Path, description = "The alarm's id")),
    responses(
        (status = 200, description = "The alarm", body = AlarmView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn show(
    Extension(storages): Stored,
    Part(id): Part<AlarmId>,
) -> Result<Json<AlarmView>, Error> {
    let found = storages.alarms.find(id).await?;
    found.map(|it| Json(it.into())).ok_or_else(|| Error::not_found("alarm", &id, []))
}

/// Says that somebody has seen alarms. They stand all the same, until what they are about is well again. Those that
/// were confirmed before stay as they are.
#[utoipa::path(post, path = "/alarms:confirm", tag = "alarms", operation_id = "confirmAlarms",
    params(Once),
    request_body = AlarmsConfirm,
    responses(
        (status = 200, description = "Which were confirmed", body = AlarmsConfirmed),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn confirm(
    (caller, trail, once): (Caller, Trail, Key),
    Extension(storages): Stored,
    Body(request): Body<AlarmsConfirm>,
) -> Result<Json<AlarmsConfirmed>, Error> {
    let sender = once.sender(&storages.system, &caller, "alarm confirm", &request);
    let AlarmsConfirm { ids, all, note } = request;
    let which = which(ids, all)?;
    about(&trail, &which);
    let Confirmed { now: confirmed, before: already } =
        storages.alarms.confirm(which, note.clone(), sender).await?;
    let confirmed = AlarmsConfirmed { confirmed, already };
    let (of, more) = noted(&confirmed.confirmed);
    trail.after(&json!({ "confirmed": of, "more": more, "note": note }));
    Ok(Json(confirmed))
}

fn which(ids: Option<Vec<AlarmId>>, all: bool) -> Result<Which, Error> {
    let refused = |reason: String| Error::Invalid { pointer: "/ids".into(), reason };
    match (ids, all) {
        (Some(_), true) => Err(refused("it names alarms, and says all: one of both".to_owned())),
        (None, true) => Ok(Which::All),
        (Some(ids), false) if (1..=IDS_MAX).contains(&ids.len()) => {
            Ok(Which::These(ids.into_iter().collect()))
        }
        (Some(ids), false) => {
            Err(refused(format!("{} alarms are not between 1 and {IDS_MAX}", ids.len())))
        }
        (None, false) => Err(refused("it names no alarm, and does not say all".to_owned())),
    }
}

/// For the audit: one has its name there, so that it is found by that; several are told together.
fn about(trail: &Trail, which: &Which) {
    match which {
        Which::All => trail.about_several("alarms").before(&json!({ "all": true })),
        Which::These(ids) => match Vec::from_iter(ids.iter().copied()).as_slice() {
            [one] => trail.about("alarm", one),
            ids => {
                let (ids, more) = noted(ids);
                trail.about_several("alarms").before(&json!({ "ids": ids, "more": more }))
            }
        },
    };
}

/// The newest of them, and how many more there are: a value that is too long would be left out as a whole.
fn noted(ids: &[AlarmId]) -> (Vec<AlarmId>, usize) {
    let mut ids = ids.to_vec();
    ids.sort_unstable_by_key(|it| Reverse(*it));
    let more = ids.len().saturating_sub(NOTED_MAX);
    ids.truncate(NOTED_MAX);
    (ids, more)
}

fn asked(query: AlarmsQuery, wanted: AlarmsWanted) -> Result<Asked, Error> {
    Ok(Asked {
        severities: severities(query.severity.as_deref().unwrap_or_default())?,
        subject: query.subject,
        after: query.cursor.map(|it| place(it, wanted)).transpose()?,
        limit: paging::limit(query.limit)?,
        wanted: match wanted {
            AlarmsWanted::Standing => Wanted::Standing,
            AlarmsWanted::Ended => Wanted::Ended,
            AlarmsWanted::All => Wanted::All,
        },
    })
}

fn severities(text: &str) -> Result<BTreeSet<AlarmSeverity>, Error> {
    let named = text.split(',').map(str::trim).filter(|it| !it.is_empty());
    let read = named.map(|name| {
        let found = AlarmSeverity::ALL.into_iter().find(|it| it.as_str() == name);
        found.ok_or_else(|| {
            let known = AlarmSeverity::ALL.map(AlarmSeverity::as_str);
            let near = did_you_mean(name, known).map(|it| format!(": did you mean {it}?"));
            let near = near.unwrap_or_else(|| format!(": it is {}", known.join(", ")));
            let reason = format!("nothing is so bad as {name:?}{near}");
            Error::Invalid { pointer: "query/severity".into(), reason }
        })
    });
    read.collect()
}

fn row(AlarmPlace { rank, at, id }: AlarmPlace, wanted: AlarmsWanted) -> Row {
    let values = vec![Value::from(rank), Value::from(at.0.0), Value::from(id.0.0)];
    Row { list: LIST.to_owned(), order: wanted.as_str().to_owned(), values }
}

fn place(cursor: Cursor, wanted: AlarmsWanted) -> Result<AlarmPlace, Error> {
    let row = cursor.row(LIST, wanted.as_str()).map_err(paging::wrong_cursor)?;
    let number = |at: usize| row.values.get(at).and_then(Value::as_i64);
    let read = || {
        Some(AlarmPlace {
            rank: u8::try_from(number(0)?).ok()?,
            at: Reverse(Timestamp(number(1)?)),
            id: Reverse(AlarmId(row.values.get(2)?.as_u64()?)),
        })
    };
    read().ok_or_else(|| paging::wrong_cursor("this is no cursor of this list"))
}

fn counts(it: AlarmCounts) -> AlarmCountsView {
    let of = |BySeverity { error, warning, info }| BySeverityView { error, warning, info };
    AlarmCountsView {
        standing: of(it.standing),
        unconfirmed: of(it.unconfirmed),
        ended_unconfirmed: of(it.ended_unconfirmed),
    }
}

fn view(Unjudged { what, why }: Unjudged) -> UnjudgedView {
    UnjudgedView { what, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read_and_what_is_not_understood_is_said() {
        let of = |text: &str| severities(text).map_err(|it| it.problem().detail);
        assert_eq!(of("").unwrap(), BTreeSet::new());
        let both = BTreeSet::from([AlarmSeverity::Error, AlarmSeverity::Info]);
        assert_eq!(of("info, error").unwrap(), both);
        let refused = of("eror").unwrap_err();
        assert!(refused.contains("did you mean error?"), "{refused}");

        let id = AlarmId(7);
        assert!(matches!(which(None, true), Ok(Which::All)));
        assert!(matches!(which(Some(vec![id]), false), Ok(Which::These(_))));
        let wrong = [(Some(vec![id]), true), (None, false), (Some(vec![]), false)];
        assert!(wrong.into_iter().all(|(ids, all)| which(ids, all).is_err()));
        assert!(which(Some(vec![id; IDS_MAX + 1]), false).is_err());
    }

    #[test]
    fn the_audit_names_one_alarm_and_tells_of_many_as_far_as_there_is_room() {
        let ids = |n: u64| (1..=n).map(AlarmId).collect::<Vec<_>>();
        let noted_of = |which: &Which| {
            let trail = Trail::default();
            about(&trail, which);
            let noted = trail.noted();
            (noted.object, noted.before)
        };
        let these = |n| Which::These(ids(n).into_iter().collect());
        assert_eq!(noted_of(&these(1)), ("alarm/1".to_owned(), None));
        let both = json!({ "ids": ["2", "1"], "more": 0 });
        assert_eq!(noted_of(&these(2)), ("alarms".to_owned(), Some(both)));
        let all = json!({ "all": true });
        assert_eq!(noted_of(&Which::All), ("alarms".to_owned(), Some(all)));
        let (newest, more) = noted(&ids(10_000));
        assert_eq!((newest.len(), newest[0], more), (NOTED_MAX, AlarmId(10_000), 9_500));
    }

    #[test]
    fn a_cursor_leads_back_to_its_place_in_its_own_list_alone() {
        let at = Reverse(Timestamp(1_700_000_000_000));
        let place_of = AlarmPlace { rank: 2, at, id: Reverse(AlarmId(17)) };
        let cursor = || Cursor::after_row(row(place_of, AlarmsWanted::All));
        assert_eq!(place(cursor(), AlarmsWanted::All).ok(), Some(place_of));
        assert!(place(cursor(), AlarmsWanted::Ended).is_err());
    }
}
