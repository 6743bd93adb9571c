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
    FILES = ("docker-compose.yml", "docker-compose.release.yml", "docker-compose.integrated.yml")

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
        for name in ("docker-compose.yml", "docker-compose.release.yml"):
            with self.subTest(name), self.assertRaisesRegex(Missing, "POSTGRES_PASSWORD"):
                read(name, {**LEAST, "POSTGRES_PASSWORD": ""})

    def test_the_server_writes_to_its_volume_only_and_has_no_rights_of_root(self):
        for name in ("docker-compose.yml", "docker-compose.release.yml"):
            for service in ("flowod", "db-monitor"):
                with self.subTest(f"{name} {service}"):
                    told = read(name, LEAST)["services"][service]
                    self.assertTrue(told["read_only"])
                    self.assertEqual(told["cap_drop"], ["ALL"])
                    self.assertIn("no-new-privileges:true", told["security_opt"])
                    self.assertEqual(told["environment"]["FLOWO_DATA_DIR"], "/var/lib/flowo")

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

    def test_changes_are_told_by_a_service_of_their_own_or_by_the_server(self):
        apart = read("docker-compose.yml", LEAST)["services"]
        self.assertEqual(apart["db-monitor"]["command"][0], "monitor")
        self.assertEqual(apart["flowod"]["environment"]["ENABLE_DB_MONITORING"], "false")
        within = merged(read("docker-compose.yml", LEAST), read("docker-compose.integrated.yml", LEAST))["services"]
        self.assertEqual(within["flowod"]["environment"]["ENABLE_DB_MONITORING"], "true")
        self.assertTrue(within["db-monitor"]["profiles"])

    def test_names_of_an_existing_env_file_are_taken(self):
        told = read("docker-compose.yml", {**LEAST, "PORT": "3200", "DOMAIN": "flowo.example.org", "PROTOCOL": "https"})
        flowod = told["services"]["flowod"]
        self.assertEqual(flowod["ports"], ["127.0.0.1:3200:3100"])
        self.assertEqual(flowod["environment"]["FLOWO_HOST"], "https://flowo.example.org:3200")


if __name__ == "__main__":
    unittest.main()
