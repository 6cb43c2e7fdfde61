//! Whole interviews as a person would read them, kept as snapshots so that a change of tone is seen in review.
use super::simulation::Simulation;
use super::transcript::{Round, Speaker};
use crate::content::Content;

fn read(round: Round, problem: &str, minutes: u32, answers: &[&str]) -> String {
    let content = Content::built_in();
    let mut interview = Simulation::new(&content, round, Some(problem), minutes, 11);
    for answer in answers {
        if interview.answer(answer, 45_000).ends() {
            break;
        }
    }
    let stage = |seq: u32| {
        seq.checked_sub(1).and_then(|s| interview.notes.get(&s)).map_or(String::new(), |n| {
            let next = n.next.as_ref().map(|m| format!("{:?} {:?} {}", m.stage, m.act, m.topic)).unwrap_or_default();
            format!("   [{:?} -> {next}] {:?}", n.class, n.covered.iter().map(|f| f.id.as_str()).collect::<Vec<_>>())
        })
    };
    let mut text = String::new();
    for turn in &interview.turns {
        let who = if turn.role == Speaker::Interviewer { "I" } else { "C" };
        text += &format!("{who}: {}\n", turn.text);
        if turn.role == Speaker::Interviewer {
            text += &format!("{}\n", stage(turn.seq));
        }
    }
    text
}

#[test]
fn show() {
    let design = read(
        Round::SystemDesign,
        "event-callbacks",
        45,
        &[
            "How many customers and how many events per second do we have? And what latency is expected?",
            "May events be lost, and does ordering matter?",
            "What exists today, and how large is the team?",
            "Outgoing that is 12,000 times 1.6, so about 20,000 calls a second at peak. With 300 ms each that is 6,000 in flight.",
            "If the largest customer is down for three days we pile up about a terabyte, so it has to be on disk. I need a subscription record, an event and an attempt.",
            "The order service writes the change and an outbox row in the same transaction. A relay publishes it to a durable log, and workers pick deliveries and post them to the customer.",
            "If a call fails we retry with exponential backoff.",
            "We would just use Kafka for that.",
            "I'm not sure how to keep one slow customer from hurting the others.",
            "I would build a load test with one slow endpoint and look at the latency of the rest.",
            "Customers can see the delivery log for 30 days and replay an event from the portal.",
            "The hardest part is keeping the slow receivers apart. Each customer gets its own queue and the senders go round robin, with a limit of 20 calls in flight per endpoint.",
            "With 3,000 customers that is fine, but the largest makes 30% so its queue needs more than one sender; the limit is per endpoint.",
            "Exactly once delivery makes sure there are no duplicates.",
            "Well, then we would send it again, with the same delivery id so that they can deduplicate.",
            "A circuit breaker opens and those endpoints only get a trial call each minute, so the pool is not used up.",
            "You could have a shared queue with priorities but then a big customer starves the rest.",
            "Partition by order id, and one delivery in flight per order.",
            "It blocks that order only, so throughput per order is low, and that is okay.",
            "After 72 hours we park it and move on, the gap shows by the sequence number.",
            "Batching: I would agree with them on bulk calls and give them a dedicated pool. The outbox stays.",
            "The age of the oldest delivery that has not been attempted. Alert at 30 seconds.",
            "Pilot customers behind a flag, and we can pause sending and go back to the previous version, the log keeps everything.",
            "We could have given them a feed with a cursor that they poll. Not chosen because they do not want to ask.",
            "The payload format and the promise on order are hard to undo.",
            "Nothing, thank you.",
        ],
    );
    let story = read(
        Round::Behavioural,
        "technical-disagreement",
        30,
        &[
            "I lead a team of eight that runs the checkout of a shop, around 300 engineers in the company.",
            "Without me the checkout would still be one release a month; I pushed for splitting the deploys.",
            "Last year we moved the checkout from a shared database to its own. We had 40 million orders. I was responsible for the plan and the cut over.",
            "I wrote the dual write layer, I set up the comparison job and I ran the cut over myself.",
            "We considered a big bang weekend but ruled it out because we could not go back from it.",
            "The payments team pushed back; they were worried that the numbers would drift.",
            "Error rate dropped from 0.4% to 0.1% and releases went from one a month to daily.",
            "Another team has adopted the comparison job and runs it today.",
            "We had to choose between one queue per tenant and a shared one, we discussed it in our team and we decided to go with the shared one and we were happy.",
            "I built a small benchmark and I wrote up both options. Anna's argument was that per tenant queues are simpler to reason about.",
            "The numbers: 3,000 queues cost 12 GB of memory. So we chose the shared one with fair scheduling; in the end latency fell to 200 ms.",
            "I conceded that the largest tenant gets its own.",
            "I would first look at the dashboard, then I would roll back and ideally I would write a post mortem.",
            "OK. In March I deployed a config change that broke login for 20 minutes. I rolled it back and I posted on the status page.",
            "The cause was that I skipped the canary. I should have waited.",
            "Now we have a check that blocks a config without a canary; it has not happened again.",
            "I would have brought in the payments team earlier.",
            "No.",
        ],
    );
    println!("{design}\n=========\n{story}");
}
