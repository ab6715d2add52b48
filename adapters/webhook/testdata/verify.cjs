// Verifies requests by the Standard Webhooks library for JavaScript. It reads an array of
// {secret, headers, body, valid} and fails at the first that is judged otherwise.
const { Webhook } = require("standardwebhooks");

const requests = JSON.parse(require("fs").readFileSync(0, "utf8"));
for (const { name, secret, headers, body, valid } of requests) {
  let problem = "";
  try {
    new Webhook(secret).verify(Buffer.from(body, "base64").toString("utf8"), headers);
  } catch (error) {
    problem = String(error);
  }
  if ((problem === "") !== valid) {
    console.error(`${name} should be ${valid ? "valid" : "refused"}: ${problem}`);
    process.exit(1);
  }
}
console.log(`${requests.length} requests were judged`);
