import css from "./scheduler.module.css";

/** Order in which nodes get their colours; patterns are not needed, the names stand beside. */
const COLORS = ["--accent", "--info", "--special", "--warn", "--ok", "--idle"];
const R = 14;
const ROUND = 2 * Math.PI * R;

/** Where the instances of a workflow are: an arc for each node, a gap for what is missing. */
export function Ring({
  nodes,
  missing,
  all,
}: {
  nodes: Record<string, number>;
  missing: number;
  all: string[];
}) {
  const total = Object.values(nodes).reduce((sum, it) => sum + it, 0) + missing;
  const text = Object.entries(nodes).map(([node, count]) => `${node}: ${count}`);
  const label = [...text, ...(missing > 0 ? [`missing: ${missing}`] : [])].join(", ") || "nowhere";
  let begin = 0;
  return (
    <span className={css.ring}>
      <svg viewBox="0 0 36 36" width={30} height={30} role="img" aria-label={label}>
        <title>{label}</title>
        <circle cx={18} cy={18} r={R} fill="none" stroke="var(--border)" strokeWidth={5} />
        {Object.entries(nodes)
          .filter(([, count]) => count > 0)
          .map(([node, count]) => {
            const length = (count / total) * ROUND;
            const arc = (
              <circle
                key={node}
                cx={18}
                cy={18}
                r={R}
                fill="none"
                stroke={`var(${COLORS[all.indexOf(node) % COLORS.length]})`}
                strokeWidth={5}
                strokeDasharray={`${Math.max(length - 1.5, 0.5)} ${ROUND}`}
                strokeDashoffset={-begin}
                transform="rotate(-90 18 18)"
              />
            );
            begin += length;
            return arc;
          })}
      </svg>
      <span className="small cut">{label}</span>
    </span>
  );
}
