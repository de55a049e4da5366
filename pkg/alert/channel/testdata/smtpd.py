# An aiosmtpd server on a free port of 127.0.0.1 for email_test.go: smtpd.py MODE CERT KEY, where MODE is none, starttls or implicit.
# It prints its port, and each mail that it takes as a line of JSON. It wants user "plumbline" with the password on standard input,
# and refuses the recipient nobody@example.com.
import asyncio, json, ssl, sys

from aiosmtpd.smtp import SMTP, AuthResult

mode, cert, key = sys.argv[1:4]
password = sys.stdin.readline().rstrip("\n")
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)


def say(value):
    print(json.dumps(value), flush=True)


def authenticate(server, session, envelope, mechanism, data):
    good = data.login == b"plumbline" and data.password == password.encode()
    return AuthResult(success=good, handled=False)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == "nobody@example.com":
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        say({"from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": session.ssl is not None or mode == "implicit",
             "user": session.authenticated, "data": envelope.content.decode()})
        return "250 taken"


def protocol():
    return SMTP(Handler(), hostname="mail.example.com", authenticator=authenticate, auth_required=mode != "none",
                auth_require_tls=mode == "starttls", require_starttls=mode == "starttls",
                tls_context=context if mode == "starttls" else None, enable_SMTPUTF8=True)


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=context if mode == "implicit" else None)
    say({"port": server.sockets[0].getsockname()[1]})
    await server.serve_forever()


asyncio.run(main())
