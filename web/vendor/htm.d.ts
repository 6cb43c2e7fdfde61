export { default } from "../../tests/browser/node_modules/htm/dist/htm.js";
