export * from "../../tests/browser/node_modules/preact/hooks/src/index.js";
