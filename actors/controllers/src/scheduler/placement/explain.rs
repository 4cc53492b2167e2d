//! Why a node would or would not take the next instance of a workflow. Worked out when somebody
//! asks, for one workflow: a placement keeps only what decided each instance.

use weir_domain::WorkflowName;
use weir_domain::schedule::{NodeVerdict, Verdict};

use super::Situation;
use super::board::Board;

/// Every node of the cluster, by name; `None` for a workflow that nobody has a setting for and
/// nobody runs.
pub fn explain(situation: &Situation<'_>, workflow: &WorkflowName) -> Option<Vec<NodeVerdict>> {
    let board = Board::new(situation);
    let row = board.rows.iter().position(|it| it.name == workflow)?;
    let wanted = board.rows[row].missing().max(1);
    let counts = board.counts(row);
    let bars: Vec<_> =
        counts.iter().enumerate().map(|(s, c)| board.bar(row, s, *c, wanted)).collect();
    let mut allowed: Vec<usize> = (0..bars.len()).filter(|it| bars[*it].is_none()).collect();
    allowed.sort_by_key(|seat| board.rank(row, *seat));
    let mut ranks = vec![0; bars.len()];
    for (rank, seat) in (1..).zip(allowed) {
        ranks[seat] = rank;
    }
    let verdicts = board.seats.iter().enumerate().map(|(seat, it)| NodeVerdict {
        node: it.node.node.name.clone(),
        count: counts[seat],
        load: it.load,
        verdict: match bars[seat] {
            Some(bar) => Verdict::PassedOver(bar.reason()),
            None => Verdict::Allowed { rank: ranks[seat] },
        },
    });
    Some(verdicts.collect())
}
