/** A copy of a router as older versions wrote it (version 1, by commit 2f44935), byte for byte. */

/** What the firmware was called: kernel aa…, root bb…; see test/firmware/manifest.test.ts. */
export const OLD_ARCHIVE_FIRMWARE =
  "f1910cfc3e1579c11b7c5b6bfd4986f5bd880f664df5321391af602a2e1197d2";

/** Of a disk of 40 chunks of 512 bytes: chunks 0, 7 and 39, made of the seeds 1, 2 and 3 (chunkOf in test/disk/helpers.ts). */
const BASE64 =
  "T1dSVFBMQVkNChoKAQAAANQAAAB7Im92ZXJsYXkiOiJkZWZhdWx0IiwiZmlybXdhcmUiOiJmMTkxMGNmYzNlMTU3OWMxMWI3YzViNmJmZDQ5ODZmNWJkODgwZjY2NGRmNTMyMTM5MWFmNjAyYTJlMTE5N2QyIiwiZmlybXdhcmVUaXRsZSI6IkRlbW8gMS4wIiwiZGlza0J5dGVzIjoyMDQ4MCwiY2h1bmtCeXRlcyI6NTEyLCJjcmVhdGVkIjoxNzYzOTAwMDAwMDAwLCJjaHVua3MiOjMsImJvZHlCeXRlcyI6MzM1fR6pJxcfiwgAAAAAAAADY2BgYLjN1l2Y2DB/390/0laRFdO3Xf0ibBRY0L/u7BtuLc+M9mVHnzArOSbUz9t757eUZUT5tK1XPgsZBuT3rT3zmkvTI71t6ZHHTIoO8XVz99z+JWkRXjZ1y+VPggb+eb1rTr/i1HBPa11y+BGjgn1c7Zzdt35KmIeVTtl86aOAvl9uz+pTLznU3VJbFh96yCBvF1sze9fNH+JmoSWTN138wK/nm9O96uQLdjXXlOZFBx/8l7ONqZ6188Z3MdOQ4kkbL7zn0/XJ7lp54jmbqkty08ID9//J2kRXzdxx/ZuoSXDRxA3n3/HqeGd1rjj+jFXFOalxwf57f2WsoypnbL/2VcQ4qHDC+nNvebS9MjuWH3vKouw00v3PzsDA4LZqT8aAO2SkR8QA+1+dgYFBcErM5QF3yEiPiAH2PwCUIlmVGAYAAFbjEN52pSvLLtKP0t14++Xy6TxcdvPjDIzmF03HOM4K";

export function oldArchive(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(BASE64), (character) => character.charCodeAt(0));
}
