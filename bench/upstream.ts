// The API behind every contender, and Cupbearer's token endpoint. Answers 401 to a request without the bearer token, so
// that a contender which does not inject it fails the run.
import { createServer } from 'node:http';
import { answerBytes, bearer, listenPort, tokenPath } from './setting.ts';

const body = Buffer.from(JSON.stringify({ id: 1, pad: 'x'.repeat(answerBytes - 17) }));
const token = JSON.stringify({
  access_token: bearer.slice('Bearer '.length),
  token_type: 'Bearer',
  expires_in: 3600,
});
const json = ['Content-Type', 'application/json'];

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  request.resume();
  if (request.url === tokenPath) response.writeHead(200, json).end(token);
  else if (request.headers.authorization !== bearer) response.writeHead(401, json).end('{}');
  else response.writeHead(200, [...json, 'Content-Length', String(body.length)]).end(body);
});
server.listen(listenPort(), '127.0.0.1');
