export { default } from "../../tests/browser/node_modules/dompurify/dist/purify.es.mjs";
