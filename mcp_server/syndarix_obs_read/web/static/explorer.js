// Comforts only: without these files every page still works. Nothing here makes HTML out of text; what is put into a page
// comes from this server, escaped, or is set as text.
import { start as charts } from "./charts.js";
import { start as conversation } from "./conversation.js";
import { start as copies } from "./copies.js";
import { start as flame } from "./flame.js";
import { start as follow } from "./follow.js";
import { start as forms } from "./forms.js";
import { start as keys } from "./keys.js";
import { start as live } from "./live.js";
import { start as panel } from "./panel.js";
import { start as search } from "./search.js";
import { start as times } from "./times.js";
import { start as tree } from "./tree.js";

document.querySelector(".side [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
for (const begin of [times, panel, tree, flame, copies, forms, search, conversation, follow, charts, live, keys]) begin();
