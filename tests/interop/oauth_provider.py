#!/usr/bin/env python3
"""An OAuth provider on loopback: publishes keys, answers introspection, and leaves tokens in DIR/tokens.json."""
import base64, http.server, json, os, ssl, sys, time, urllib.parse
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

port, where = int(sys.argv[1]), sys.argv[2]
rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
weak_key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
ec_key = ec.generate_private_key(ec.SECP256R1())
ec384_key = ec.generate_private_key(ec.SECP384R1())
ed_key = ed25519.Ed25519PrivateKey.generate()
stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
late_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwk(algorithm, key, kid):
    j = algorithm.to_jwk(key.public_key())
    return dict(json.loads(j) if isinstance(j, str) else j, kid=kid, use="sig")


RSA = jwt.algorithms.RSAAlgorithm
EC = jwt.algorithms.ECAlgorithm
OKP = jwt.algorithms.OKPAlgorithm


def b64(n, size):
    return base64.urlsafe_b64encode(n.to_bytes(size, "big")).rstrip(b"=").decode()


def ec_jwk(key, kid, curve, size):
    p = key.public_key().public_numbers()
    return {"kty": "EC", "crv": curve, "x": b64(p.x, size), "y": b64(p.y, size), "kid": kid}


keys = [jwk(RSA, rsa_key, "r"), jwk(RSA, weak_key, "weak"), ec_jwk(ec_key, "e", "P-256", 32), ec_jwk(ec384_key, "e384", "P-384", 48),
        jwk(OKP, ed_key, "d"), {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}, {"kty": "new"}]
late = jwk(RSA, late_key, "late")
now = int(time.time())
good = {"iss": "https://provider.test", "aud": "pillarbox", "email": "u1@example.test", "exp": now + 3600}


def token(alg, key, kid, **changes):
    claims = {k: v for k, v in dict(good, **changes).items() if v is not None}
    return jwt.encode(claims, key, algorithm=alg, headers={"kid": kid} if kid else None)


rs = token("RS256", rsa_key, "r")
head, body, signature = rs.split(".")
forged = base64.urlsafe_b64encode(json.dumps(dict(good, email="u2@example.test")).encode()).rstrip(b"=").decode()
tokens = {
    "good RS256": rs, "good PS512": token("PS512", rsa_key, "r"), "good ES256": token("ES256", ec_key, "e"),
    "good ES384": token("ES384", ec384_key, "e384"), "good EdDSA": token("EdDSA", ed_key, "d"),
    "good no kid": token("RS384", rsa_key, None), "good list": token("RS256", rsa_key, "r", aud=["other", "pillarbox"]),
    "bad none": jwt.encode(good, None, algorithm="none"),
    "bad shared": jwt.encode(good, "secret", algorithm="HS256", headers={"kid": "shared"}),
    "bad confusion": jwt.encode(good, "not the public key, which PyJWT refuses", algorithm="HS256", headers={"kid": "r"}),
    "bad weak": token("RS256", weak_key, "weak"), "bad stranger": token("RS256", stranger, "r"),
    "bad unknown kid": token("RS256", rsa_key, "nobody"), "bad other key": token("ES256", ec_key, "r"),
    "bad expired": token("RS256", rsa_key, "r", exp=now - 3600), "bad early": token("RS256", rsa_key, "r", nbf=now + 3600),
    "bad endless": token("RS256", rsa_key, "r", exp=None), "bad issuer": token("RS256", rsa_key, "r", iss="https://else.test"),
    "bad audience": token("RS256", rsa_key, "r", aud="other"), "bad no user": token("RS256", rsa_key, "r", email=None),
    "bad user": token("RS256", rsa_key, "r", email="nobody@example.test"), "bad nul": token("RS256", rsa_key, "r", email="u1@example.test\0x"),
    "bad forged": head + "." + forged + "." + signature, "bad cut": rs[:-10], "bad junk": "abc", "bad dots": "..",
    "other u2": token("RS256", rsa_key, "r", email="u2@example.test"), "late": token("RS256", late_key, "late"),
    "opaque good": "opaque-token/1+x=", "opaque old": "opaque-2", "opaque inactive": "opaque-3", "slow": "opaque-slow",
    "opaque audience": "opaque-4", "opaque unverified": "opaque-5", "opaque long": "opaque0Falcon7Kestrel4Merlin9ubiquitous5Gyrfalcon",
}
opaque = {tokens["opaque good"]: dict(good, active=True), tokens["opaque old"]: dict(good, active=True, exp=now - 1),
          tokens["opaque inactive"]: {"active": False}, tokens["opaque audience"]: dict(good, active=True, aud="other"),
          tokens["opaque unverified"]: dict(good, active=True, email_verified=False), tokens["slow"]: dict(good, active=True),
          tokens["opaque long"]: dict(good, active=True)}


class Provider(http.server.BaseHTTPRequestHandler):
    asked = {}

    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/keys":
            self.asked["keys"] = self.asked.get("keys", 0) + 1
            return self.answer({"keys": keys})
        if self.path == "/asked":
            return self.answer(self.asked)
        self.answer({}, 404)

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        wanted = "Basic " + base64.b64encode(b"imap%20server:our%2Dsecret").decode()
        if self.path != "/introspect" or self.headers.get("Authorization") != wanted:
            return self.answer({"error": "invalid_client"}, 401)
        t = form["token"][0]
        self.asked[t] = self.asked.get(t, 0) + 1
        if t == tokens["slow"]:
            time.sleep(3)
        self.answer(opaque.get(t, {"active": False}))

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Provider)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(where + "/tls/server.pem", where + "/tls/server-key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
with open(where + "/tokens.tmp", "w") as f:
    json.dump(tokens, f)
os.rename(where + "/tokens.tmp", where + "/tokens.json")
server.serve_forever()
