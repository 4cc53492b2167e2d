//! Two hundred kills of two engines that write into files, a topic and a table.

use super::{is_wanted, number};
use crate::clusters::outputs::{outputs_are_as_undisturbed, setup};
use crate::support::cluster::Kind;

const KILLS: u32 = 200;

#[test]
fn three_outputs_are_as_undisturbed_after_two_hundred_kills_on_mariadb() {
    if is_wanted() {
        outputs_are_as_undisturbed(setup(Kind::MariaDb), number("WEIR_KILLS", KILLS));
    }
}

#[test]
fn three_outputs_are_as_undisturbed_after_two_hundred_kills_on_postgresql() {
    if is_wanted() {
        outputs_are_as_undisturbed(setup(Kind::Postgres), number("WEIR_KILLS", KILLS));
    }
}
