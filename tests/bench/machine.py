"""The machine: what it is, and how fast it can sync, copy and encrypt whatever the servers do."""
import json
import os
import platform
import subprocess
import time

# What OpenSSL calls the cipher of a TLS 1.3 suite.
CIPHERS = {"TLS_AES_256_GCM_SHA384": "aes-256-gcm", "TLS_AES_128_GCM_SHA256": "aes-128-gcm",
           "TLS_CHACHA20_POLY1305_SHA256": "chacha20-poly1305"}
RECORD = 16384


def facts(tools, directory):
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        cpu = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), platform.machine())
    return {"cpu": cpu, "cores": os.cpu_count(), "kernel": platform.release(),
            "date": time.strftime("%Y-%m-%d %H:%M %z"), "load": os.getloadavg()[0], "limits": limits(tools, directory)}


def limits(tools, directory):
    done = subprocess.run([os.path.join(tools, "machine_limits"), directory], stdout=subprocess.PIPE, text=True,
                          check=True)
    return json.loads(done.stdout)


def tls_speed(suite):
    """MB/s of one core for records of TLS size."""
    cipher = CIPHERS.get(suite)
    if not cipher:
        return None
    done = subprocess.run(["openssl", "speed", "-mr", "-elapsed", "-seconds", "1", "-bytes", str(RECORD), "-evp", cipher],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in done.stdout.splitlines():
        if line.startswith("+F:"):  # +F:number:name:octets per second
            return {"cipher": suite, "mb": float(line.split(":")[-1]) / 1e6}
    return None
