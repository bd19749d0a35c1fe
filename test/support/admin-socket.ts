import { join } from 'node:path';
import { Agent, request } from 'undici';

/** What an admin listener at `admin.sock` in a directory answers to GET, as our own commands ask. */
export async function askAdminSocket(directory: string, path: string) {
  const dispatcher = new Agent({ connect: { socketPath: join(directory, 'admin.sock') } });
  const headers = { 'x-cupbearer': '1' };
  const {
    statusCode: status,
    body,
    ...answer
  } = await request(`http://localhost${path}`, { dispatcher, headers });
  const text = await body.text();
  await dispatcher.close();
  return { status, headers: answer.headers, text };
}
