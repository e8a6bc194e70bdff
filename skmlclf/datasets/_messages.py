"""The protocol buffers that records are made of, declared here so that TensorFlow is not needed.

Taken together, as wire formats, ``tf.train.Example`` and ``tf.train.SequenceExample`` are::

    message SequenceExample {
      Features context = 1;  // the only field of an Example, which calls it `features`
      FeatureLists feature_lists = 2;
    }
    message Features { map<string, Feature> feature = 1; }
    message FeatureLists { map<string, FeatureList> feature_list = 1; }
    message FeatureList { repeated Feature feature = 1; }
    message Feature {
      oneof kind {
        BytesList bytes_list = 1;
        FloatList float_list = 2;
        Int64List int64_list = 3;
      }
    }
    message BytesList { repeated bytes value = 1; }
    message FloatList { repeated float value = 1 [packed = true]; }
    message Int64List { repeated int64 value = 1 [packed = true]; }
"""

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

__all__ = ["DecodeError", "sequence_example"]

_PACKAGE = "skmlclf"


@cache
def sequence_example() -> Any:
    """Return the class of a message that parses both kinds of record."""
    proto = descriptor_pb2.FileDescriptorProto(
        name="skmlclf/example.proto", package=_PACKAGE, syntax="proto3"
    )
    types = descriptor_pb2.FieldDescriptorProto

    def add_field(message: Any, name: str, number: int, kind: str | int, **options: Any) -> None:
        """Add a field of a scalar type, or of the message of that name."""
        field = message.field.add(name=name, number=number, label=types.LABEL_OPTIONAL, **options)
        if isinstance(kind, str):
            field.type, field.type_name = types.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
        else:
            field.type = kind

    for name, value_type in [
        ("BytesList", types.TYPE_BYTES),
        ("FloatList", types.TYPE_FLOAT),
        ("Int64List", types.TYPE_INT64),
    ]:
        add_field(proto.message_type.add(name=name), "value", 1, value_type)
        proto.message_type[-1].field[0].label = types.LABEL_REPEATED

    feature = proto.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, name in enumerate(["BytesList", "FloatList", "Int64List"], start=1):
        add_field(feature, name.replace("List", "_list").lower(), number, name, oneof_index=0)

    add_field(proto.message_type.add(name="FeatureList"), "feature", 1, "Feature")
    proto.message_type[-1].field[0].label = types.LABEL_REPEATED

    for name, field_name, value in [
        ("Features", "feature", "Feature"),
        ("FeatureLists", "feature_list", "FeatureList"),
    ]:
        message = proto.message_type.add(name=name)
        entry = message.nested_type.add(name=f"{value}Entry")
        entry.options.map_entry = True
        add_field(entry, "key", 1, types.TYPE_STRING)
        add_field(entry, "value", 2, value)
        add_field(message, field_name, 1, f"{name}.{value}Entry")
        message.field[0].label = types.LABEL_REPEATED

    both = proto.message_type.add(name="SequenceExample")
    add_field(both, "context", 1, "Features")
    add_field(both, "feature_lists", 2, "FeatureLists")

    pool = descriptor_pool.DescriptorPool()  # its own, so that nobody else's names are in the way
    pool.AddSerializedFile(proto.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{both.name}"))
