//! Whatever stands in the files, loading answers with findings.

use super::*;

const ENVIRONMENT: &str = "\
apiVersion: weir/v1
kind: Environment
metadata: { name: base }
spec:
  values:
    IN: in
    N: 2
";
const FORMAT: &str = "\
apiVersion: weir/v1
kind: Format
metadata: { name: csv }
spec:
  type: csv
  schema:
    - { name: delay, type: int64 }
";
const SOURCE: &str = "\
apiVersion: weir/v1
kind: Source
metadata: { name: files }
spec:
  file:
    directory: ${env:IN}
    interval: 5s
    format: csv
";
const FLOW: &str = "\
apiVersion: weir/v1
kind: Workflow
metadata: { name: w }
spec:
  instances: ${env:N}
  deadLetters: { directory: bad }
  stages:
    - name: read
      source: files
    - name: route
      from: read
      processor:
        filterRoute:
          rules:
            - { when: delay, to: late }
    - name: write
      from: [route.late]
      onError: ignore
      sink:
        file: { directory: out, name: x, format: csv }
";

const VALUES: [&str; 14] = [
    "",
    "null",
    "[]",
    "{}",
    "-1",
    "1e400",
    "true",
    "\"\"",
    "\"${env:\"",
    "${env:N}",
    "a.b",
    "[a, [b]]",
    "{ a: { b: c } }",
    "'\u{0}\u{feff}ä'",
];

/// A small generator: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }
}

fn damage(text: &str, random: &mut Random) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = random.below(lines.len());
    let other = random.below(lines.len());
    match random.below(6) {
        0 => _ = lines.remove(at),
        1 => lines.swap(at, other),
        2 => lines.insert(other, lines[at].clone()),
        3 => lines[at].insert_str(0, "  "),
        4 => {
            let cut = random.below(lines[at].len().max(1));
            lines[at].truncate(cut);
        }
        _ => {
            let value = VALUES[random.below(VALUES.len())];
            let key = lines[at].split_once(':').map_or("- ", |it| it.0).to_owned();
            lines[at] = format!("{key}: {value}");
        }
    }
    lines.join("\n")
}

#[test]
fn damaged_assets_are_answered_with_findings() {
    let project = PROJECT.replace("spec: {}", "spec:\n  environments: [base]\n  exclude: [in]");
    let files = [
        ("project.yaml", project.as_str()),
        ("e.yaml", ENVIRONMENT),
        ("f.yaml", FORMAT),
        ("s.yaml", SOURCE),
        ("w.yaml", FLOW),
    ];
    assert_eq!(loaded(&files).findings, []);
    let dir = directory(&files);
    let mut random = Random(0x5eed_0001);
    for round in 0..400 {
        let (path, text) = files[random.below(files.len())];
        let mut damaged = damage(text, &mut random);
        for _ in 0..random.below(3) {
            damaged = damage(&format!("{damaged}\n"), &mut random);
        }
        fs::write(dir.path().join(path), &damaged).unwrap();
        let loaded = load(dir.path(), &registry());
        let is_sound = !loaded.findings.iter().any(Finding::is_error);
        assert_eq!(loaded.project.is_some(), is_sound, "round {round}, {path}:\n{damaged}");
        for finding in &loaded.findings {
            let is_whole = !finding.place.file.is_empty() && !finding.cause.is_empty();
            assert!(is_whole, "round {round}, {path}: {finding:?}\n{damaged}");
        }
        fs::write(dir.path().join(path), text).unwrap();
    }
}
