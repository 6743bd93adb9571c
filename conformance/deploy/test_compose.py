"""Checks the compose files against their schema. No container engine is needed or called.

The schema comes with the package docker-compose, of which nothing else is used. Variables are replaced as
compose would, from an environment of the test's own.
"""

import importlib.util
import json
import pathlib
import re
import unittest

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = pathlib.Path(importlib.util.find_spec("compose").origin).parent / "config" / "compose_spec.json"
#: What a user must set, and nothing else.
LEAST = {"POSTGRES_PASSWORD": "something", "FLOWO_IMAGE": "registry.example.org/flowo:0.1.0"}
SECRET = re.compile("PASSWORD|SECRET_KEY|TOKEN")


class Missing(Exception):
    """A variable without a value and without a default."""


def filled(text, env):
    """`text` with its variables replaced as compose does: the innermost first."""
    variable = re.compile(r"(?<!\$)\$\{([A-Z_]+)(?:(:?[-?])([^${}]*))?\}")

    def value(found):
        name, kind, rest = found.groups()
        if env.get(name):
            return env[name]
        if kind in (":-", "-"):
            return rest
        if kind in (":?", "?"):
            raise Missing(f"{name}: {rest}")
        return ""

    while variable.search(text):
        text = variable.sub(value, text)
    return text.replace("$$", "$")


def read(name, env):
    def fill(value):
        if isinstance(value, dict):
            return {key: fill(item) for key, item in value.items()}
        if isinstance(value, list):
            return [fill(item) for item in value]
        return filled(value, env) if isinstance(value, str) else value

    return fill(yaml.safe_load((ROOT / name).read_text()))


def merged(under, over):
    """One file merged over another, as `docker compose -f under -f over` does, as far as our files need it."""
    if isinstance(under, dict) and isinstance(over, dict):
        return {key: merged(under.get(key), over[key]) if key in over else under[key] for key in {**under, **over}}
    return over


class Compose(unittest.TestCase):
    WHOLE = ("docker-compose.yml", "docker-compose.release.yml")
    FILES = (*WHOLE, "docker-compose.integrated.yml")
    #: Where each service may write: its volumes, and what is gone with the container.
    WRITABLE = {
        "postgres": ({"/var/lib/postgresql/data"}, {"/tmp", "/var/run/postgresql"}),
        "flowod": ({"/var/lib/flowo"}, {"/tmp"}),
        "db-monitor": ({"/var/lib/flowo"}, {"/tmp"}),
    }

    def test_every_file_is_a_compose_file(self):
        schema = json.loads(SCHEMA.read_text())
        schema["properties"]["name"] = {"type": "string"}  # Newer than this schema; part of the specification since 2022.
        for name in self.FILES:
            with self.subTest(name):
                jsonschema.validate(read(name, LEAST), schema)
        whole = merged(read("docker-compose.yml", LEAST), read("docker-compose.integrated.yml", LEAST))
        jsonschema.validate(whole, schema)
        with self.assertRaises(jsonschema.ValidationError):
            jsonschema.validate({"services": {"flowod": {"imagine": "x"}}}, schema)

    def test_nothing_starts_with_a_password_that_is_in_the_file(self):
        for name in self.WHOLE:
            with self.subTest(name):
                with self.assertRaisesRegex(Missing, "POSTGRES_PASSWORD"):
                    read(name, {**LEAST, "POSTGRES_PASSWORD": ""})
                for service, definition in read(name, {**LEAST, "POSTGRES_PASSWORD": "given", "SECRET_KEY": "given"})["services"].items():
                    secrets = {key: value for key, value in definition["environment"].items() if SECRET.search(key)}
                    self.assertIn("POSTGRES_PASSWORD", secrets, service)
                    self.assertEqual(set(secrets.values()), {"given"}, service)

    def test_no_service_writes_outside_its_volume_or_has_rights_of_root(self):
        for name in self.WHOLE:
            services = read(name, LEAST)["services"]
            self.assertEqual(set(services), {"postgres", "flowod", "db-monitor"})
            for service, definition in services.items():
                with self.subTest(f"{name} {service}"):
                    self.assertIs(definition["read_only"], True)
                    self.assertEqual(definition["cap_drop"], ["ALL"])
                    self.assertEqual(definition["security_opt"], ["no-new-privileges:true"])
                    for rights in ("privileged", "cap_add", "devices", "pid", "network_mode"):
                        self.assertNotIn(rights, definition)
                    volumes = {volume.split(":")[1] for volume in definition["volumes"]}
                    scratch = {place.split(":")[0] for place in definition["tmpfs"]}
                    self.assertEqual((volumes, scratch), self.WRITABLE[service])
            for service in ("flowod", "db-monitor"):
                self.assertEqual(services[service]["environment"]["FLOWO_DATA_DIR"], "/var/lib/flowo")
            self.assertEqual(services["postgres"]["user"], "postgres")
        last_stage = (ROOT / "Dockerfile").read_text().rsplit("\nFROM ", 1)[1]
        self.assertIn("\nUSER flowo\n", last_stage)

    def test_every_image_can_be_pinned_to_a_digest(self):
        dockerfile = (ROOT / "Dockerfile").read_text()
        head, *_ = re.split(r"^FROM ", dockerfile, maxsplit=1, flags=re.MULTILINE)
        defaults = dict(re.findall(r"^ARG (\w+)=(\S+)$", head, re.MULTILINE))
        named = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
        self.assertEqual(named, [f"${{{name}}}" for name in defaults], "each stage is made from an image with a default")
        for image in defaults.values():
            self.assertRegex(image, r"^[a-z]+:[\w.-]+$")
        self.assertEqual(read("docker-compose.yml", LEAST)["services"]["flowod"]["build"]["args"], defaults)

        pinned = {name: f"{name.lower()}@sha256:{'0' * 64}" for name in (*defaults, "POSTGRES_IMAGE", "FLOWO_IMAGE")}
        for name in self.WHOLE:
            services = read(name, {**LEAST, **pinned})["services"]
            self.assertEqual(services["postgres"]["image"], pinned["POSTGRES_IMAGE"])
            self.assertEqual({services[service]["image"] for service in ("flowod", "db-monitor")}, {pinned["FLOWO_IMAGE"]})
        args = read("docker-compose.yml", {**LEAST, **pinned})["services"]["flowod"]["build"]["args"]
        self.assertEqual(args, {name: pinned[name] for name in defaults})

    def test_the_release_is_the_same_with_an_image_by_its_tag(self):
        built, released = read("docker-compose.yml", LEAST), read("docker-compose.release.yml", LEAST)
        for service in ("flowod", "db-monitor"):
            self.assertEqual(released["services"][service].pop("image"), LEAST["FLOWO_IMAGE"])
            self.assertNotIn("build", released["services"][service])
            built["services"][service].pop("build")
            built["services"][service].pop("image")
        self.assertEqual(built, released)
        with self.assertRaisesRegex(Missing, "FLOWO_IMAGE"):
            read("docker-compose.release.yml", {"POSTGRES_PASSWORD": "x"})

    def test_changes_are_shown_by_a_service_of_their_own_or_by_the_server(self):
        apart = read("docker-compose.yml", LEAST)["services"]
        self.assertEqual(apart["db-monitor"]["command"][0], "monitor")
        self.assertEqual(apart["flowod"]["environment"]["ENABLE_DB_MONITORING"], "false")
        within = merged(read("docker-compose.yml", LEAST), read("docker-compose.integrated.yml", LEAST))["services"]
        self.assertEqual(within["flowod"]["environment"]["ENABLE_DB_MONITORING"], "true")
        self.assertTrue(within["db-monitor"]["profiles"])

    def test_names_of_an_existing_env_file_are_taken(self):
        composed = read("docker-compose.yml", {**LEAST, "PORT": "3200", "DOMAIN": "flowo.example.org", "PROTOCOL": "https"})
        flowod = composed["services"]["flowod"]
        self.assertEqual(flowod["ports"], ["127.0.0.1:3200:3100"])
        self.assertEqual(flowod["environment"]["FLOWO_HOST"], "https://flowo.example.org:3200")


if __name__ == "__main__":
    unittest.main()
