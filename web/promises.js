// Which operation may open a connection, and the tests that prove it. Shown by the privacy page and written out in
// PROMISES.md; tests/promises.rs holds the three together. Between the brackets is plain JSON: a Rust test reads it.

export const promises = /** @type {{ operation: string, network: string, proofs: { file: string, test: string }[], unproved: string }[]} */ ([
  {
    "operation": "Interview, scorecard and export on this page, both rounds",
    "network": "none",
    "proofs": [
      { "file": "tests/no_network.rs", "test": "a_whole_interview_of_each_round_without_a_network" },
      { "file": "tests/no_network.rs", "test": "the_net_would_catch_an_attempt" },
      { "file": "tests/real_model_trust.rs", "test": "a_real_model_interviews_grades_and_is_measured_without_a_network" }
    ],
    "unproved": ""
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
      { "file": "tests/real_model_speech.rs", "test": "a_whole_spoken_session_of_each_round_without_a_network" },
      { "file": "tests/browser/voice.test.mjs", "test": "a spoken turn: words come while speaking, are edited, and the answer carries what was heard and how long it took" },
      { "file": "tests/browser/voice.test.mjs", "test": "recordings: only on request, with the answer they belong to, deleted one by one" }
    ],
    "unproved": "What the browser itself does with the microphone is the browser’s matter: the tests watch what this page asks for."
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
    "proofs": [{ "file": "tests/no_network.rs", "test": "everything_else_on_the_page_without_a_network" }],
    "unproved": ""
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
      { "file": "tests/serve.rs", "test": "other_machines_are_kept_out_unless_that_is_meant" },
      { "file": "tests/browser/gate.test.mjs", "test": "a page under another name that points here gets empty refusals" },
      { "file": "tests/browser/gate.test.mjs", "test": "a page on another port of this machine changes and reads nothing" }
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
      { "file": "tests/serve.rs", "test": "without_a_model_and_without_a_network_it_says_what_to_do" },
      { "file": "tests/no_network.rs", "test": "every_command_without_a_network" }
    ],
    "unproved": ""
  },
  {
    "operation": "An interview in a terminal (run, session resume) with a model installed",
    "network": "none",
    "proofs": [{ "file": "tests/no_network.rs", "test": "every_command_without_a_network" }],
    "unproved": ""
  },
  {
    "operation": "Reading a résumé or a job posting",
    "network": "none",
    "proofs": [
      { "file": "tests/documents.rs", "test": "the_child_reads_behind_its_limits_without_an_environment" },
      { "file": "tests/no_network.rs", "test": "everything_else_on_the_page_without_a_network" },
      { "file": "tests/no_network.rs", "test": "every_command_without_a_network" }
    ],
    "unproved": ""
  },
  {
    "operation": "serve, run, session resume, grade, bench with --interviewer or --judge http://… (a server that you name)",
    "network": "that server only, and the session says so: with --interviewer what is said in the interview goes there, with --judge what is graded; a draft never; with --offline only one on this machine",
    "proofs": [
      { "file": "tests/remote_session.rs", "test": "offline_refuses_what_is_not_on_this_machine_before_anything_is_sent" },
      { "file": "tests/remote_session.rs", "test": "only_the_part_that_is_named_goes_there" },
      { "file": "tests/remote_engine.rs", "test": "a_redirect_is_refused_and_nothing_goes_there" },
      { "file": "tests/promises.rs", "test": "only_two_rooms_can_open_a_connection" }
    ],
    "unproved": "No test watches the connections of these commands; the server's answers and what it keeps are its own matter."
  },
  {
    "operation": "grade, bench without such a server, lint, doctor, session list, show, rm, wipe, repair, encrypt, decrypt, passphrase",
    "network": "none",
    "proofs": [
      { "file": "tests/no_network.rs", "test": "every_command_without_a_network" },
      { "file": "tests/real_model_trust.rs", "test": "a_real_model_interviews_grades_and_is_measured_without_a_network" }
    ],
    "unproved": ""
  },
  {
    "operation": "models list, show, verify, rm, import",
    "network": "none",
    "proofs": [
      { "file": "tests/no_network.rs", "test": "every_command_without_a_network" },
      { "file": "tests/real_model_trust.rs", "test": "a_real_model_interviews_grades_and_is_measured_without_a_network" }
    ],
    "unproved": ""
  },
  {
    "operation": "Telemetry, accounts, update checks",
    "network": "there are none",
    "proofs": [
      { "file": "tests/no_network.rs", "test": "a_whole_interview_of_each_round_without_a_network" },
      { "file": "tests/promises.rs", "test": "only_two_rooms_can_open_a_connection" },
      { "file": "tests/supply_chain.rs", "test": "what_is_built_in_opens_connections_in_known_places_only" },
      { "file": "tests/supply_chain.rs", "test": "the_program_imports_no_other_way_out" }
    ],
    "unproved": ""
  }
]);
