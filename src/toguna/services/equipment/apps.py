import toguna.kernel.apps as kernel_apps


class Config(kernel_apps.Room):
    name = "toguna.services.equipment"
