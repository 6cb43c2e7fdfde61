// Which operation may open a connection, and the tests that prove it. Shown by the privacy page and written out in
// PROMISES.md; tests/promises.rs holds the three together. Between the brackets is plain JSON: a Rust test reads it.

export const promises = /** @type {{ operation: string, network: string, proofs: { file: string, test: string }[], unproved: string }[]} */ ([
  {
    "operation": "Interview, scorecard and export on this page, both rounds",
    "network": "none",
    "proofs": [
      { "file": "tests/no_network.rs", "test": "a_whole_interview_of_each_round_without_a_network" },
      { "file": "tests/no_network.rs", "test": "the_net_would_catch_an_attempt" }
    ],
    "unproved": "The test plays the scripted engine; with a real model no test watches the connections."
  },
  {
    "operation": "Export from the command line",
    "network": "none",
    "proofs": [{ "file": "tests/no_network.rs", "test": "a_whole_interview_of_each_round_without_a_network" }],
    "unproved": ""
  },
  {
    "operation": "This page: its files, and what a model or a person wrote on it",
    "network": "none",
    "proofs": [
      { "file": "tests/browser/static.test.mjs", "test": "no address of another host" },
      { "file": "tests/browser/hostile.test.mjs", "test": "ways to leak through a link or an image: no connection, no name looked up" },
      { "file": "tests/http_gate.rs", "test": "every_response_carries_the_policy" }
    ],
    "unproved": ""
  },
  {
    "operation": "The whiteboard: a program by others, in a frame that may connect to nothing",
    "network": "none",
    "proofs": [
      { "file": "tests/http_board.rs", "test": "the_board_s_frame_has_an_origin_of_its_own" },
      { "file": "tests/browser/board.test.mjs", "test": "the frame can reach nothing: no storage, no page around it, no connection" }
    ],
    "unproved": ""
  },
  {
    "operation": "Speaking: what the microphone hears, and its words",
    "network": "none",
    "proofs": [
      { "file": "tests/browser/voice.test.mjs", "test": "a spoken turn: words come while speaking, are edited, and the answer carries what was heard and how long it took" },
      { "file": "tests/browser/voice.test.mjs", "test": "recordings: only on request, with the answer they belong to, deleted one by one" }
    ],
    "unproved": "These tests watch what the page asks for, beside a stand-in for the program."
  },
  {
    "operation": "Replies that are read out",
    "network": "none: only voices of this machine are used",
    "proofs": [
      { "file": "tests/browser/voice.test.mjs", "test": "only voices of this machine are offered and used" }
    ],
    "unproved": "Whether a voice needs a network is what the browser says of it."
  },
  {
    "operation": "The camera’s picture",
    "network": "none",
    "proofs": [
      { "file": "tests/browser/voice.test.mjs", "test": "the camera is a mirror: off at first, one sink, nothing sent, and off when it is turned off" },
      { "file": "tests/browser/static.test.mjs", "test": "nothing can record or carry a picture: the camera's stream has no sink but a video element" }
    ],
    "unproved": ""
  },
  {
    "operation": "On this page: take in, verify or remove a model file, read benchmark runs, check the machine",
    "network": "none",
    "proofs": [],
    "unproved": "No test watches the connections of these operations; their browser tests fail when the page asks another host."
  },
  {
    "operation": "A link in a text",
    "network": "none until you agree; then your browser opens it",
    "proofs": [{ "file": "tests/browser/hostile.test.mjs", "test": "ways to leak through a link or an image: no connection, no name looked up" }],
    "unproved": ""
  },
  {
    "operation": "Requests from other websites and other machines",
    "network": "refused",
    "proofs": [
      { "file": "tests/http_gate.rs", "test": "a_foreign_host_gets_an_empty_403_on_every_route" },
      { "file": "tests/http_gate.rs", "test": "foreign_pages_change_nothing_on_any_mutating_route" },
      { "file": "tests/http_gate.rs", "test": "no_origin_gets_a_cors_header" },
      { "file": "tests/serve.rs", "test": "other_machines_are_kept_out_unless_that_is_meant" }
    ],
    "unproved": ""
  },
  {
    "operation": "Pull a model",
    "network": "the model hub, else the package index through pip",
    "proofs": [
      { "file": "tests/pull.rs", "test": "redirects_elsewhere_are_refused_before_anything_is_sent" },
      { "file": "tests/pull.rs", "test": "bytes_with_another_digest_are_moved_aside" }
    ],
    "unproved": "What pip itself asks for is pip's own matter."
  },
  {
    "operation": "First start without a model: offrecord, serve, run, session resume",
    "network": "as a pull; all of them ask first on a terminal",
    "proofs": [{ "file": "src/cli/install.rs", "test": "enter_means_yes_and_the_end_of_input_means_no" }],
    "unproved": "No test starts it on a terminal and watches."
  },
  {
    "operation": "Anything with --offline, OFFRECORD_OFFLINE=1 or HF_HUB_OFFLINE=1",
    "network": "none",
    "proofs": [
      { "file": "tests/pull.rs", "test": "offline_never_asks" },
      { "file": "tests/serve.rs", "test": "without_a_model_and_without_a_network_it_says_what_to_do" }
    ],
    "unproved": ""
  },
  {
    "operation": "An interview in a terminal (run, session resume) with a model installed",
    "network": "none",
    "proofs": [],
    "unproved": "No test watches the connections of these commands."
  },
  {
    "operation": "Reading a résumé or a job posting",
    "network": "none",
    "proofs": [{ "file": "tests/documents.rs", "test": "the_child_reads_behind_its_limits_without_an_environment" }],
    "unproved": "The test is of the limits of the reading process (it can open no file and no socket); none watches connections."
  },
  {
    "operation": "bench grading or calibrate with --judge http://… (a judge that you name)",
    "network": "that server only: the answers being judged go there; with --offline only one on this machine",
    "proofs": [
      { "file": "tests/remote_judge.rs", "test": "offline_admits_only_this_machine" },
      { "file": "tests/promises.rs", "test": "only_two_rooms_can_open_a_connection" }
    ],
    "unproved": "No test watches the connections of this command."
  },
  {
    "operation": "grade, bench without such a judge, lint, doctor, session list, show, rm, wipe, repair",
    "network": "none",
    "proofs": [],
    "unproved": "No test watches the connections of these commands."
  },
  {
    "operation": "models list, show, verify, rm, import",
    "network": "none",
    "proofs": [],
    "unproved": "No test watches the connections of these commands."
  },
  {
    "operation": "Telemetry, accounts, update checks",
    "network": "there are none",
    "proofs": [{ "file": "tests/no_network.rs", "test": "a_whole_interview_of_each_round_without_a_network" }],
    "unproved": ""
  }
]);
