export { default } from "../../tests/browser/node_modules/markdown-it/dist/markdown-it.mjs";
