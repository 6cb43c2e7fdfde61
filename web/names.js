// Which words of a talk may be names of people and companies: proposals for the person to look through, never a verdict.
// Pure.

/** Words that look like names and are none, in talks about systems and at the start of clauses. */
const known = new Set(
  ("I A API APIs URL HTTP HTTPS SQL JSON CSV AWS GCP Azure Postgres PostgreSQL MySQL Redis Kafka Kinesis Cassandra DynamoDB MongoDB Spanner S3 SQS RabbitMQ " +
    "Kubernetes Docker Linux Python Java JavaScript TypeScript Go Rust Ruby Scala React Node Spark Flink Hadoop Elasticsearch Prometheus Grafana Terraform GraphQL gRPC WebSocket " +
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July August September October November December " +
    "English SLO SLA CDN DNS TCP UDP TLS CPU GPU RAM SSD VP CEO CTO PR CI CD QA HR Q1 Q2 Q3 Q4").split(" "),
);

/** @param {import("./types.js").Session} session @returns {string[]} at most forty, the most frequent first */
export function proposedNames(session) {
  const asked = new Set(session.turns.filter((turn) => turn.role === "interviewer").flatMap((turn) => turn.text.match(/[\p{L}\p{N}]+/gu) ?? []));
  /** @type {Map<string, number>} */
  const found = new Map();
  for (const turn of session.turns) {
    if (turn.role !== "candidate") continue;
    // A capital in the middle of a sentence; names of several words stay together.
    for (const match of turn.text.matchAll(/(?<=[\p{Ll}\p{N},;:)“"'] )\p{Lu}[\p{L}'’-]+(?: \p{Lu}[\p{L}'’-]+)*/gu)) {
      const name = match[0].replace(/['’]s$/, "");
      const words = name.split(" ");
      if (words.every((word) => known.has(word) || asked.has(word) || /^\p{Lu}+s?$/u.test(word) || /^I['’]/.test(word))) continue;
      found.set(name, (found.get(name) ?? 0) + 1);
    }
  }
  return [...found].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).slice(0, 40).map(([name]) => name);
}
