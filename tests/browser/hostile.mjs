// What a hostile model, résumé or file name would say. Every payload sets a global or calls a dialog if it runs.

const run = "window.__ran=1;alert(1)";

const vectors = [
  `<script>${run}</script>`, `<ScRiPt>${run}</sCrIpT>`, `<script src=data:text/javascript,${encodeURIComponent(run)}></script>`, `<img src=x onerror="${run}">`,
  `<img/src/onerror=${run}>`, `<svg onload=${run}>`, `<svg><script>${run}</script></svg>`, `<svg/onload=${run}//`, `<body onload=${run}>`, `<details open ontoggle=${run}>`,
  `<video><source onerror=${run}></video>`, `<audio src=x onerror=${run}>`, `<input autofocus onfocus=${run}>`, `<select autofocus onfocus=${run}></select>`, `<textarea autofocus onfocus=${run}></textarea>`,
  `<iframe srcdoc="<script>parent.__ran=1</script>"></iframe>`, `<iframe src="javascript:${run}"></iframe>`, `<object data="javascript:${run}"></object>`, `<embed src="javascript:${run}">`, `<form action="javascript:${run}"><button>x</button></form>`,
  `<a href="javascript:${run}">x</a>`, `<a href="java\tscript:${run}">x</a>`, `<a href="data:text/html,<script>${run}</script>">x</a>`, `<math><mi xlink:href="javascript:${run}">x</mi></math>`, `<style>@import'javascript:${run}';</style>`,
  `<link rel=stylesheet href="javascript:${run}">`, `<meta http-equiv=refresh content="0;url=javascript:${run}">`, `<base href="javascript:/">`, `<template><script>${run}</script></template>`, `<noscript><p title="</noscript><img src=x onerror=${run}>">`,
  `<x onclick=${run}>x</x>`, `<div style="background:url(javascript:${run})">x</div>`, `<isindex type=image src=1 onerror=${run}>`, `<marquee onstart=${run}>x</marquee>`, `<svg><animate onbegin=${run} attributeName=x dur=1s></svg>`,
  `<svg><a xlink:href="javascript:${run}"><text>x</text></a></svg>`, `<svg><use href="data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg onload=${run}></svg>#x"></svg>`, `<svg><foreignObject><img src=x onerror=${run}></foreignObject></svg>`, `<math><mtext><table><mglyph><style><img src=x onerror=${run}>`, `<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=${run}>`,
  `[x](javascript:${run})`, `[x](JaVaScRiPt:${run})`, `[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)`, `[x](vbscript:${run})`, `![x](javascript:${run})`, `![x](x "onerror=${run}")`, `[x]: javascript:${run}\n\n[x]`, `<javascript:${run}>`, `[x](<javascript:${run}>)`, `[x](&#106;avascript:${run})`,
];

/** Where a payload may stand. */
const wrappings = [
  (/** @type {string} */ v) => v,
  (/** @type {string} */ v) => `"><' ${v}`,
  (/** @type {string} */ v) => "`code` **" + v + "** \n\n> " + v,
  (/** @type {string} */ v) => `\n\n| a | b |\n|---|---|\n| ${v.replaceAll("\n", " ")} | </td></table>${v.replaceAll("\n", " ")} |\n`,
];

/** 200 payloads. */
export const payloads = wrappings.flatMap((wrap) => vectors.map(wrap));

/** Ways to make a page ask another host for something. @param {string} host */
export function carriers(host) {
  const at = `//${host}`;
  return [
    `![x](http:${at}/inline.png)`, `![x][ref]\n\n[ref]: http:${at}/reference.png`, `[![x](http:${at}/nested.png)](http:${at}/nested)`, `<http:${at}/autolink>`, `http:${at}/bare`,
    `[x](http:${at}/link)`, `[x](${at}/relative)`, `<img src="http:${at}/img.png">`, `<img srcset="http:${at}/srcset.png 1x">`, `<picture><source srcset="http:${at}/picture.png"><img></picture>`,
    `<svg><image href="http:${at}/svg.png"/></svg>`, `<svg><use href="http:${at}/use.svg#x"/></svg>`, `<div style="background:url(http:${at}/css.png)">x</div>`, `<style>@import "http:${at}/import.css";</style>`, `<style>@font-face{font-family:x;src:url(http:${at}/font.woff)}*{font-family:x}</style>`,
    `<link rel="preconnect" href="http:${at}">`, `<link rel="dns-prefetch" href="${at}">`, `<link rel="prefetch" href="http:${at}/prefetch">`, `<link rel="stylesheet" href="http:${at}/sheet.css">`, `<meta http-equiv="refresh" content="0;url=http:${at}/refresh">`,
    `<iframe src="http:${at}/frame"></iframe>`, `<iframe src="data:text/html,<img src=http:${at}/data.png>"></iframe>`, `<object data="http:${at}/object"></object>`, `<embed src="http:${at}/embed">`, `<video poster="http:${at}/poster.png" src="http:${at}/video.mp4"></video>`,
    `<audio src="http:${at}/audio.mp3" autoplay></audio>`, `<form action="http:${at}/form"><input autofocus></form>`, `<script src="http:${at}/script.js"></script>`, `<base href="http:${at}/">`, `<a href="http:${at}/ping" ping="http:${at}/pinged">x</a>`,
    `<table background="http:${at}/table.png"><tr><td>x</table>`, `<input type="image" src="http:${at}/input.png">`,
  ];
}
