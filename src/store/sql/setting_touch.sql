INSERT INTO settings (name, value) VALUES ('writable', x'01') ON CONFLICT (name) DO UPDATE SET value = excluded.value
