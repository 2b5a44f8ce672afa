"""All that is known about skeletons: numpy and OpenCV. Nothing here imports torch."""
