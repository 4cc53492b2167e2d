//! From a database's errors to faults: what to do about them, and never a secret.

use weir_domain::Fault;

use super::codes;
use super::connection::{Address, DatabaseKind, Place};

/// What an error of the database means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Away,
    Contended,
    Credentials,
    NoDatabase,
    NoTable,
    Forbidden,
    Refused,
    Query,
}

/// Whether the session may go on after the error: the database answered, and is not about to leave.
pub(super) fn is_usable(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some() && class(error) != Class::Away
}

fn class(error: &sqlx::Error) -> Class {
    let Some(answered) = error.as_database_error() else {
        return match error {
            sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => {
                Class::Refused
            }
            _ => Class::Away,
        };
    };
    if let Some(it) = answered.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() {
        return of_postgres(it.code());
    }
    if let Some(it) = answered.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return of_mysql(it.number());
    }
    of_sqlite(answered.code().and_then(|it| it.parse().ok()).unwrap_or(1), answered.message())
}

fn of_postgres(state: &str) -> Class {
    match state {
        "40001" | "40P01" | "55P03" => Class::Contended,
        "57014" | "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25006" => Class::Away,
        "42P01" | "42703" | "3F000" => Class::NoTable,
        "42501" => Class::Forbidden,
        "3D000" => Class::NoDatabase,
        state => match state.get(..2) {
            Some("08" | "53" | "58" | "XX") => Class::Away,
            Some("28") => Class::Credentials,
            Some("22" | "23" | "44") => Class::Refused,
            _ => Class::Query,
        },
    }
}

fn of_mysql(number: u16) -> Class {
    match number {
        1205 | 1213 | 1020 => Class::Contended,
        // Full, read-only, too many connections, shutting down, killed, too slow.
        1021
        | 1040
        | 1041
        | 1053
        | 1114
        | 1152..=1161
        | 1203
        | 1226
        | 1290
        | 1317
        | 1836
        | 1927
        | 1969
        | 3024
        | 4031 => Class::Away,
        1044 | 1045 | 1130 | 1251 | 1698 | 1820 | 1862 | 3118 => Class::Credentials,
        1049 => Class::NoDatabase,
        1051 | 1054 | 1109 | 1146 => Class::NoTable,
        1142 | 1143 | 1227 | 1370 => Class::Forbidden,
        1048 | 1062 | 1216 | 1217 | 1264 | 1265 | 1292 | 1364 | 1366 | 1406 | 1451 | 1452
        | 1526 | 1690 | 3140 | 3819 | 4025 | 1644 => Class::Refused,
        _ => Class::Query,
    }
}

/// By the primary code of an extended one.
fn of_sqlite(code: u32, message: &str) -> Class {
    match code & 0xff {
        5 | 6 => Class::Contended,
        3 | 8 => Class::Forbidden,
        10 | 13 | 7 | 9 | 15 | 17 => Class::Away,
        14 | 26 => Class::NoDatabase,
        18..=20 => Class::Refused,
        _ if message.contains("no such table") || message.contains("no such column") => {
            Class::NoTable
        }
        _ if message.contains("has no column") => Class::NoTable,
        _ => Class::Query,
    }
}

/// What was said, without the driver's own words around it.
fn said(error: &sqlx::Error) -> String {
    match (error, error.as_database_error()) {
        (_, Some(it)) => it.message().to_owned(),
        (sqlx::Error::Io(it), _) => it.to_string(),
        (sqlx::Error::Tls(it), _) => it.to_string(),
        _ => error.to_string(),
    }
}

pub(super) fn fault(address: &Address, error: &sqlx::Error) -> Fault {
    let said = said(error);
    let user = match &address.place {
        Place::Server(it) => it.user.as_str(),
        Place::File(_) => "of this engine",
    };
    match class(error) {
        Class::Away => Fault::transient(codes::AWAY, format!("{address}: {said}"))
            .with_hint("see whether the database runs and can be reached; it is tried again"),
        Class::Contended => {
            let message = format!("{address}: others were in the way: {said}");
            Fault::transient(codes::CONTENDED, message).with_hint("it is tried again")
        }
        Class::Credentials => {
            let message = format!("{address} does not let the user {user} in: {said}");
            Fault::config(codes::ACCESS, message)
                .with_hint("check user and password, and that the user may connect from this host")
        }
        Class::NoDatabase => Fault::config(codes::ACCESS, format!("{address}: {said}"))
            .with_hint("create it, or name another one in connection"),
        Class::NoTable => Fault::config(codes::TABLE, format!("{address}: {said}"))
            .with_hint("create it, or name one that is there"),
        Class::Forbidden => {
            let message = format!("the user {user} may not do that in {address}: {said}");
            Fault::config(codes::FORBIDDEN, message)
                .with_hint("grant the right, or connect as another user")
        }
        Class::Refused => Fault::config(codes::REFUSED, format!("{address}: {said}")),
        Class::Query => Fault::config(codes::QUERY, format!("{address}: {said}")),
    }
}

pub(super) fn at_connect(address: &Address, error: &sqlx::Error) -> Fault {
    let said = said(error);
    let unprotected = || {
        let message = format!("no protected connection to {address}: {said}");
        Fault::config(codes::ACCESS, message).with_hint(
            "check the server's certificate and connection.ca, or set connection.tls to what the \
             server offers: verify, require or off",
        )
    };
    match error {
        sqlx::Error::Tls(_) => unprotected(),
        sqlx::Error::Io(it) if it.kind() == std::io::ErrorKind::InvalidData => unprotected(),
        sqlx::Error::Configuration(_) | sqlx::Error::InvalidArgument(_) => {
            Fault::config(codes::CONFIG, format!("{address} can't be used: {said}"))
        }
        _ if address.kind == DatabaseKind::Sqlite => {
            let message = format!("{address} can't be opened: {said}");
            Fault::config(codes::ACCESS, message)
                .with_hint("the file must be there and be a database, on the node that runs this")
        }
        _ => fault(address, error),
    }
}

/// Nothing came back in time, or the session broke before.
pub(super) fn late(address: &Address) -> Fault {
    Fault::transient(codes::AWAY, format!("{address} does not answer"))
        .with_hint("see whether the database runs and can be reached; it is tried again")
}
