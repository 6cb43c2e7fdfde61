//! The schema of a system-design problem.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Dimension, RedFlag};

/// The phases of a system-design round, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Time plan and brief.
    Open,
    /// Scale, latency, consistency, cost, operations are asked or assumed.
    Constraints,
    /// Numbers, entities, API.
    Sizing,
    /// One working path for reads and writes.
    HighLevel,
    /// Deep dive of the candidate's choice.
    DiveA,
    /// Deep dive into an area not yet covered.
    DiveB,
    /// A curveball.
    Change,
    /// Detect, roll out, roll back, who is paged, cost.
    Operate,
    /// What else, biggest risk, first version.
    Alternatives,
    /// The candidate's question; no verdict.
    Close,
}

/// A problem file: `prompts/rounds/system-design/<id>.toml`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// Lower case, digits and dashes; the file's stem.
    pub id: String,
    /// What the start page shows (must not give the design away).
    pub title: String,
    /// storage, messaging, feeds, payments, search, rate-limiting, collaboration, observability, ml-serving, iot, geo,
    /// video, migration, multi-tenant, cost, incident, review.
    pub theme: String,
    /// 1 (warm-up) to 3 (staff).
    pub difficulty: u8,
    /// What the interviewer says first: one or two sentences, deliberately vague, no technology, no numbers.
    pub brief: String,
    /// For reviews: the document or diff that the candidate must judge (Markdown), shown beside the transcript.
    #[serde(default)]
    pub document: Option<String>,
    /// Questions that open a phase in this problem's words (`{quote}` not allowed); the general ones if left out.
    /// Reviews need them ("What is the first thing you would stop this change for?"). Keys: `constraints`, `sizing`,
    /// `high-level`, `dive-a`, `operate`, `alternatives`.
    #[serde(default)]
    pub openings: BTreeMap<Phase, Vec<String>>,
    /// Everything the interviewer knows. Nothing else is ever told.
    pub facts: Vec<Fact>,
    /// What a good answer covers, per phase.
    pub checklist: Vec<ChecklistItem>,
    /// Exactly three areas to go deep into.
    pub dives: Vec<Dive>,
    /// Exactly three changes of a constraint.
    pub curveballs: Vec<Curveball>,
    /// Hints by topic.
    pub hints: Vec<HintTopic>,
    /// Signs of trouble particular to this problem.
    pub red_flags: Vec<RedFlag>,
    /// Shown only after the grade is fixed (Markdown).
    pub model_answer: String,
    /// What would have made it a staff answer (Markdown, two to five sentences).
    pub staff: String,
}

/// One line of the fact sheet.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// Unique in its file.
    pub id: String,
    /// function, users, scale, latency, consistency, availability, durability, security, cost, team, deadline, existing.
    pub topic: String,
    /// At least three ways in which a candidate asks for it (questions or noun phrases, lower case).
    pub asked_as: Vec<String>,
    /// What the interviewer answers: one sentence, with a number where one is natural.
    pub says: String,
}

/// One thing that a good answer covers.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ChecklistItem {
    /// Unique in its file.
    pub id: String,
    /// The phase in which it is looked for (`dive-a` stands for both dives).
    pub phase: Phase,
    /// A yes/no question about what the candidate said; yes = covered.
    pub ask: String,
    /// Why it matters, for the notes and the scorecard.
    pub why: String,
    /// 1 (nice) to 3 (a senior answer needs it).
    pub weight: u8,
    /// The dimension it speaks for.
    pub dimension: Dimension,
    /// Phrases (lower case) of which one in an answer makes coverage likely. A trailing `*` matches any ending, ` .. `
    /// up to six words, ` & ` asks for both parts, `#` is any number and `#%` any percentage (`interview::lexicon`).
    pub cues: Vec<String>,
    /// A neutral name of the area, safe to say aloud ("the read path"), never the answer.
    pub area: String,
    /// At least two hand-written questions that open the area without giving it away. One sentence, one question mark,
    /// no yes/no. `{quote}` stands for a short piece of the candidate's own words; at least one wording has it and at
    /// least one has not.
    pub probes: Vec<String>,
    /// Words the interviewer must not say before the candidate has (lower case).
    #[serde(default)]
    pub leaks: Vec<String>,
}

/// An area to go deep into: mechanism, limit, failure, alternative.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Dive {
    /// Unique in its file.
    pub id: String,
    /// A neutral name, safe to say aloud.
    pub area: String,
    /// Phrases that show that the candidate has chosen this area.
    pub cues: Vec<String>,
    /// How does it work?
    pub mechanism: Rung,
    /// Where does it stop working?
    pub limit: Rung,
    /// How does it fail, and what then?
    pub failure: Rung,
    /// What else, and why not?
    pub alternative: Rung,
}

/// One level of "how" in a dive.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// A yes/no question about what the candidate said; yes = this level was reached.
    pub ask: String,
    /// Phrases that make it likely.
    pub cues: Vec<String>,
    /// At least two wordings of the interviewer's question, as in [`ChecklistItem::probes`].
    pub probes: Vec<String>,
}

/// A change of a constraint in mid-design.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Curveball {
    /// Unique in its file.
    pub id: String,
    /// scale, region-loss, consistency, cost, migration, security, deadline.
    pub kind: String,
    /// What the interviewer says: the change, then one question ("What changes first, and what stays?").
    pub says: String,
    /// A yes/no question: did the candidate adapt the design and say what breaks?
    pub ask: String,
    /// Phrases that make it likely.
    pub cues: Vec<String>,
    /// One follow-up for an answer that does not adapt the design, two wordings as in [`ChecklistItem::probes`]; the
    /// general ones if left out.
    #[serde(default)]
    pub probes: Vec<String>,
}

/// The hint ladder of one topic, from free to costly. Never the finished answer.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HintTopic {
    /// The checklist or dive id that it helps with.
    pub topic: String,
    /// Rung 1: restates the constraint in play (free).
    pub constraint: String,
    /// Rung 2: points at the area (evidence on this topic is worth at most 4).
    pub area: String,
    /// Rung 3: names the concept (at most 3).
    pub concept: String,
    /// Rung 4: offers two options to choose from (at most 2).
    pub options: String,
}
