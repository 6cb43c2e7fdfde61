// Six answers of a decent candidate in each round, as a person would type them, and the problem that they answer.

/** What to search for on the start page. */
export const problems = /** @type {Record<string, string>} */ ({ "System design": "customers' systems", Behavioural: "incident you owned" });

export const rounds = /** @type {Record<string, string[]>} */ ({
  "System design": [
    "Before I draw anything: how many changes a second at peak, and how late may a customer hear of one? I assume a lost change is worse than a doubled one.",
    "At 12,000 a second and 0.3 seconds a call I get about 3,600 calls in flight, so the senders must not wait for one another and a slow receiver must not hold up the rest.",
    "The order service writes the change and an outbox row in one transaction. A relay reads the outbox and puts each delivery into a durable queue per customer. Senders take from the queues in turn, with a limit of calls in flight per address.",
    "If a receiver is down the delivery is tried again after 10 seconds, a minute, five minutes, with jitter, for 72 hours. I chose at-least-once instead of exactly-once, because a receiver can drop an id it knows, and a lost change cannot be found again.",
    "The first graph I look at is the age of the oldest delivery that was not tried. I would page on that, roll out by customer behind a flag, and roll back by switching the flag off.",
    "I could have built a feed that customers read with a cursor. It is cheaper and ordered, but the customers asked not to have to ask. I would keep it for catching up.",
  ],
  Behavioural: [
    "Two years ago I was on call when the checkout of our shop failed for 40 minutes on a Friday evening. I was the engineer who had merged the change that caused it, a new time-out in the payment client.",
    "I rolled back within 12 minutes of the first alert, but the retries of the clients kept the payment service down for another 28 minutes, because I had not thought of what all the retries would do at once.",
    "I told the head of support first, then wrote to all of engineering the same night that it was my change and what I knew so far. About 3,100 orders were not placed.",
    "I decided against adding another alert. Instead I wrote a load test that turns the payment service off for ten minutes, and I put a budget on retries into the shared client. Two teams objected that it would hide errors, and I conceded a counter that shows dropped retries.",
    "Since then the same failure happened once, in March, and the shop recovered in under a minute. The test runs every night, and another team owns it now.",
    "I would ask for a second reader on any change to a time-out. I do that today, and I have turned down one of my own changes because of it.",
  ],
});
