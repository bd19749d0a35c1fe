// The API behind every contender, and the token endpoint of those that fetch their token. Answers 401 to a request
// without the bearer token and 400 to one without the whole body, so that a contender which loses either fails the run.
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { bearer, listenPort, tokenPath, upstreamExchange, upstreamTls } from './setting.ts';

const { answerBytes, bodyBytes, streamed } = upstreamExchange();
const token = JSON.stringify({
  access_token: bearer.slice('Bearer '.length),
  token_type: 'Bearer',
  expires_in: 3600,
});
const json = ['Content-Type', 'application/json'];
const body = Buffer.from(JSON.stringify({ id: 1, pad: 'x'.repeat(answerBytes - 17) }));
const whole = [...json, 'Content-Length', String(body.length)];
const pieceBytes = 64 * 1024;

const answer: RequestListener = (request, response) => {
  if (request.url === tokenPath) {
    request.resume();
    response.writeHead(200, json).end(token);
  } else if (request.headers.authorization !== bearer) {
    request.resume();
    response.writeHead(401, json).end('{}');
  } else if (bodyBytes > 0) {
    afterBody(request, response);
  } else {
    request.resume();
    succeed(response);
  }
};

function afterBody(request: IncomingMessage, response: ServerResponse): void {
  let received = 0;
  request.on('data', (piece: Buffer) => {
    received += piece.length;
  });
  request.on('end', () => {
    if (received === bodyBytes) succeed(response);
    else response.writeHead(400, json).end('{}');
  });
}

function succeed(response: ServerResponse): void {
  if (streamed) sendPieces(response.writeHead(200, json), 0);
  else response.writeHead(200, whole).end(body);
}

function sendPieces(response: ServerResponse, from: number): void {
  let sent = from;
  while (sent < body.length) {
    const piece = body.subarray(sent, sent + pieceBytes);
    sent += piece.length;
    if (!response.write(piece)) {
      response.once('drain', () => sendPieces(response, sent));
      return;
    }
  }
  response.end();
}

const tls = upstreamTls();
const options = { keepAliveTimeout: 60_000 };
const server =
  tls === undefined
    ? createServer(options, answer)
    : createTlsServer(
        { ...options, cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) },
        answer,
      );
server.listen(listenPort(), '127.0.0.1');
