//! Did-you-mean: the nearest of the names that exist.

/// The candidate most like `given`, if one is near enough to be a likely slip.
pub fn did_you_mean<'a>(
    given: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let lower = given.to_lowercase();
    let scored = candidates.into_iter().map(|it| (score(&lower, &it.to_lowercase()), it));
    let best = scored.filter(|(score, _)| *score >= 0.7).max_by(|a, b| a.0.total_cmp(&b.0));
    best.map(|(_, it)| it)
}

fn score(given: &str, candidate: &str) -> f64 {
    let strip = |it: &str| it.replace(['-', '_', '.', ' '], "");
    let (given, candidate) = (strip(given), strip(candidate));
    if given == candidate {
        return 1.0;
    }
    strsim::normalized_damerau_levenshtein(&given, &candidate)
        .max(strsim::jaro_winkler(&given, &candidate) - 0.15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_a_stranger_finds_none() {
        let names = ["distance", "origin", "destination", "stable-time"];
        assert_eq!(did_you_mean("distnace", names), Some("distance"));
        assert_eq!(did_you_mean("stableTime", names), Some("stable-time"));
        assert_eq!(did_you_mean("ORIGIN", names), Some("origin"));
        assert_eq!(did_you_mean("weather", names), None);
    }
}
