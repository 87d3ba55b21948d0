import type { Router } from "./fixtures.js";

/** Programs for the router's web server. */
export const CGI = {
  digest: `printf 'Content-Type: text/plain\\r\\n\\r\\n'
head -c "\${CONTENT_LENGTH:-0}" | sha256sum | cut -d' ' -f1`,
  redirect: `printf 'Status: 302 Found\\r\\nLocation: /files/100\\r\\n\\r\\n'`,
  endless: `printf 'Content-Type: text/plain\\r\\n\\r\\n'
exec cat /dev/zero`,
  silent: "exec sleep 1000",
  headers: `printf 'Content-Type: text/plain\\r\\n'
i=0
while [ $i -lt 1050 ]; do
  printf 'X-%s: %01000d\\r\\n' $i 0
  i=$((i + 1))
done
printf '\\r\\nend'`,
};

export async function install(router: Router, programs: Record<string, string>): Promise<void> {
  for (const [name, script] of Object.entries(programs)) {
    const file = `/www/cgi-bin/${name}`;
    const stdin = `#!/bin/sh\n${script}\n`;
    const { exitCode, stderr } = await router.exec(`cat > ${file} && chmod +x ${file}`, { stdin });
    if (exitCode !== 0) throw new Error(`${file}: ${stderr}`);
  }
}

/**
 * Makes files of random bytes for the router's web server.
 *
 * @returns their SHA-256 digests, by their paths "/files/SIZE"
 */
export async function serveFiles(
  router: Router,
  sizes: readonly number[],
): Promise<Record<string, string>> {
  await router.output("mkdir -p /www/files");
  for (const size of sizes)
    await router.output(`head -c ${size} /dev/urandom > /www/files/${size}`);
  const sums = await router.output("cd /www && sha256sum files/*");
  const line = /^(\w{64}) +(\S+)$/gm;
  return Object.fromEntries(
    [...sums.matchAll(line)].map(([, sum = "", file = ""]) => [`/${file}`, sum]),
  );
}
