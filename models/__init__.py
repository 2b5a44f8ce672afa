"""Every way of painting a person: one file per --model, found by name."""
from util.registry import Registry

models = Registry('--model', 'models', '_model', 'BaseModel')
